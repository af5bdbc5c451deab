package npy_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/reprodl/reprodl/esc50/internal/npy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func file(header string, body []byte) []byte {
	b := append([]byte("\x93NUMPY\x01\x00"), 0, 0)
	binary.LittleEndian.PutUint16(b[8:], uint16(len(header)))
	return append(append(b, header...), body...)
}

func TestParse(t *testing.T) {
	var body []byte
	for _, v := range []float32{1, -2.5, 3, 4, 5, 6} {
		body = binary.LittleEndian.AppendUint32(body, math.Float32bits(v))
	}
	a, err := npy.Parse(file("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", body))
	require.NoError(t, err)
	assert.Equal(t, []int{2, 3}, a.Shape)
	assert.Equal(t, []float32{1, -2.5, 3, 4, 5, 6}, a.Float32())

	a, err = npy.Parse(file("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n", body))
	require.NoError(t, err)
	assert.Equal(t, []float32{1, 3, 5, -2.5, 4, 6}, a.Float32())

	a, err = npy.Parse(file("{'descr': '<i8', 'fortran_order': False, 'shape': (), }\n", binary.LittleEndian.AppendUint64(nil, 7)))
	require.NoError(t, err)
	assert.Empty(t, a.Shape)
	assert.Equal(t, []float64{7}, a.Data)
}

func TestParseRefuses(t *testing.T) {
	for name, data := range map[string][]byte{
		"empty":      nil,
		"magic":      []byte("NUMPY.......12345"),
		"header":     []byte("\x93NUMPY\x01\x00\xff\xff{}"),
		"no descr":   file("{'shape': (1,)}", nil),
		"big endian": file("{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}", make([]byte, 4)),
		"short":      file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", make([]byte, 4)),
		"overflow":   file("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", make([]byte, 4)),
	} {
		_, err := npy.Parse(data)
		assert.Error(t, err, name)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", make([]byte, 4)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if a, err := npy.Parse(data); err == nil {
			n := 1
			for _, d := range a.Shape {
				n *= d
			}
			assert.Len(t, a.Data, n)
		}
	})
}
