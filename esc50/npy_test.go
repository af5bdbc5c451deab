package esc50_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// array is a little-endian C-ordered .npy file.
type array struct {
	dims []int
	f32  []float32
	i64  []int64
}

var npyHeader = regexp.MustCompile(`'descr': '([^']+)', 'fortran_order': False, 'shape': \(([^)]*)\)`)

func readNPY(t testing.TB, path string) array {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(data, []byte("\x93NUMPY\x01")), "%s is not an .npy file", path)
	end := 10 + int(binary.LittleEndian.Uint16(data[8:]))
	m := npyHeader.FindSubmatch(data[10:end])
	require.NotNil(t, m, "header of %s", path)
	var a array
	n := 1
	for _, s := range strings.Split(string(m[2]), ",") {
		if s = strings.TrimSpace(s); s != "" {
			d, err := strconv.Atoi(s)
			require.NoError(t, err)
			a.dims = append(a.dims, d)
			n *= d
		}
	}
	body := data[end:]
	switch string(m[1]) {
	case "<f4":
		for i := range n {
			a.f32 = append(a.f32, math.Float32frombits(binary.LittleEndian.Uint32(body[4*i:])))
		}
	case "<i8":
		for i := range n {
			a.i64 = append(a.i64, int64(binary.LittleEndian.Uint64(body[8*i:])))
		}
	default:
		t.Fatalf("%s: dtype %s", path, m[1])
	}
	return a
}
