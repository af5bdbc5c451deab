package dvcyaml_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

func TestPythonType(t *testing.T) {
	for text, want := range map[string]string{
		"~": "NoneType", "true": "bool", "1": "int", "123456789012345678901234567890": "int", "1.5": "float", "a": "str",
		"2024-01-02": "datetime.date", "2024-01-02 03:04:05": "datetime.datetime", "[1]": "list", "{a: 1}": "dict",
	} {
		v, err := dvcyaml.Decode("file.yaml", []byte("key: "+text))
		require.NoError(t, err, text)
		value, _ := v.(*dvcyaml.Map).Get("key")
		assert.Equal(t, want, dvcyaml.PythonType(value), text)
	}
	assert.Equal(t, "object", dvcyaml.PythonType(struct{}{}))
}
