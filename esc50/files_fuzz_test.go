package esc50

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzCheckpoint gives decodeCheckpoint hostile headers under right checksums:
// it must refuse them or return variables of the stated sizes.
func FuzzCheckpoint(f *testing.F) {
	c := &checkpoint{Norm: norm{0, 1}, Vars: []variable{
		{Path: "/conv1/weight", Type: "float32", Dims: []int{2, 1}, data: make([]byte, 8)},
		{Path: "/global_step", Type: "int64", data: make([]byte, 8)},
	}}
	good, err := c.encode()
	require.NoError(f, err)
	start := len(checkpointMagic) + 4
	size := int(binary.LittleEndian.Uint32(good[start-4:]))
	f.Add(good[start:start+size], good[start+size:len(good)-sha256.Size])
	f.Add([]byte(`{"Vars":[{"Path":"/a","Type":"float64","Dims":[4611686018427387904,4]}]}`), []byte("12345678"))
	f.Add([]byte(`{"Vars":[{"Path":"/a","Type":"int32","Dims":[-1]}]}`), []byte("1234"))
	f.Fuzz(func(t *testing.T, header, data []byte) {
		b := binary.LittleEndian.AppendUint32([]byte(checkpointMagic), uint32(len(header)))
		b = append(append(b, header...), data...)
		sum := sha256.Sum256(b)
		c, err := decodeCheckpoint(append(b, sum[:]...))
		if err != nil {
			assert.ErrorIs(t, err, ErrCheckpoint)
			return
		}
		total := 0
		for _, v := range c.Vars {
			total += len(v.data)
		}
		assert.Equal(t, len(data), total)
	})
}

// FuzzFeatures gives OpenFeatures hostile headers under right checksums.
func FuzzFeatures(f *testing.F) {
	features := testFeatures(2)
	var head bytes.Buffer
	start, err := features.writeHeader(&head)
	require.NoError(f, err)
	f.Add(head.Bytes()[len(featureMagic)+8:start], append(encodeRecord(ramp()), encodeRecord(ramp())...))
	f.Add([]byte(`{"Bands":65536,"Frames":16777216,"Clips":[{}]}`), []byte{})
	f.Add([]byte(`{"Bands":1,"Frames":1,"Clips":[{"Target":1000000000}]}`), make([]byte, 8))
	f.Add([]byte(`{"Bands":1,"Frames":1,"Clips":[{"Target":-5}]}`), make([]byte, 8))
	name := filepath.Join(f.TempDir(), "features")
	f.Fuzz(func(t *testing.T, header, records []byte) {
		b := binary.LittleEndian.AppendUint32([]byte(featureMagic), uint32(len(header)))
		b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(header, castagnoli))
		require.NoError(t, os.WriteFile(name, append(append(b, header...), records...), 0o666))
		f, err := OpenFeatures(name)
		if err != nil {
			return
		}
		defer f.Close()
		x := make([]float32, f.Size())
		for i := range f.Len() {
			if f.Read(x, i) != nil {
				return
			}
		}
	})
}
