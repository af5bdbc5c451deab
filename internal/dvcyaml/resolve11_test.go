package dvcyaml_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params/pyjson"
)

// TestVersion11 has what ruamel.yaml 0.19.1 reads in documents of both versions.
func TestVersion11(t *testing.T) {
	for _, tt := range []struct {
		text           string
		want11, want12 any
	}{
		{"y", true, "y"}, {"Y", true, "Y"}, {"yes", true, "yes"}, {"yEs", "yEs", "yEs"}, {"n", false, "n"}, {"on", true, "on"}, {"OFF", false, "OFF"},
		{"True", true, true}, {"017", int64(15), int64(17)}, {"08", "08", int64(8)}, {"0o17", "0o17", int64(15)}, {"1_0", int64(10), int64(10)},
		{"1:30", int64(90), "1:30"}, {"-1:30", int64(-90), "-1:30"}, {"1:30.5", 90.5, "1:30.5"}, {"+1:2:3", int64(3723), "+1:2:3"},
		{"190:20:30", int64(685230), "190:20:30"}, {"1:60", "1:60", "1:60"}, {"01:2", "01:2", "01:2"}, {"0:1", "0:1", "0:1"},
		{"1e3", 1000.0, 1000.0}, {".5", 0.5, 0.5}, {"-.5", "-.5", -0.5}, {"+.5", "+.5", 0.5}, {"-.inf", "-inf", "-inf"}, {"1:2:3.", 3723.0, "1:2:3."},
		{"0b11", int64(3), int64(3)}, {"0x1F", int64(31), int64(31)}, {"00", int64(0), int64(0)}, {"-017", int64(-15), int64(-17)},
		{"+0_7", int64(7), int64(7)}, {"0._1", 0.1, 0.1}, {"017_", int64(15), int64(17)}, {"1.:3", "1.:3", "1.:3"}, {"7:5_9", "7:5_9", "7:5_9"},
		{"_1", "_1", "_1"}, {"0b", "0b", "0b"}, {"~", nil, nil}, {"null", nil, nil},
	} {
		for version, want := range map[string]any{"1.1": tt.want11, "1.2": tt.want12} {
			v, err := dvcyaml.Decode("f", []byte("%YAML "+version+"\n--- # c\nx: "+tt.text+"\n"))
			require.NoError(t, err, tt.text)
			got, _ := v.(*dvcyaml.Map).Get("x")
			if f, ok := got.(float64); ok && want == "-inf" {
				got = strings.ToLower(strings.TrimPrefix(fmt.Sprint(f), "+"))
			}
			assert.Equal(t, want, got, "%s in %s", tt.text, version)
		}
	}
	_, err := dvcyaml.Decode("f", []byte("%YAML 1.1\n---\n-_\n"))
	assert.Error(t, err)
}

// TestLongLine: the work for a document on one line grows with its length; if it
// grew with the square, this one would take many minutes.
func TestLongLine(t *testing.T) {
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, `"é%d": [%d, {"a": 1}], `, i, i)
	}
	_, err := dvcyaml.ParseNode("f", []byte("{"+b.String()+"}"))
	require.NoError(t, err)
}

// TestLongInteger: Python reads integers of 4,300 decimal digits, and of any number
// of hexadecimal ones.
func TestLongInteger(t *testing.T) {
	for text, ok := range map[string]bool{
		strings.Repeat("7", 4300): true, "-" + strings.Repeat("7", 4300): true, strings.Repeat("7", 4301): false, "0x" + strings.Repeat("7", 5000): true,
	} {
		_, err := dvcyaml.Decode("f", []byte("x: "+text+"\n"))
		assert.Equal(t, ok, err == nil, len(text))
		if !strings.HasPrefix(text, "0x") {
			_, err = pyjson.Decode("f", []byte(text))
			assert.Equal(t, ok, err == nil, len(text))
		}
	}
}
