package esc50_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/reprodl/reprodl/esc50"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type chunk struct {
	id   string
	body []byte
}

func riff(chunks ...chunk) []byte {
	var b []byte
	for _, c := range chunks {
		b = append(b, c.id...)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(c.body)))
		b = append(b, c.body...)
		if len(c.body)%2 == 1 {
			b = append(b, 0)
		}
	}
	head := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(4+len(b)))
	return append(append(head, "WAVE"...), b...)
}

func format(tag, channels, rate, bits int) chunk {
	le := binary.LittleEndian
	b := le.AppendUint16(nil, uint16(tag))
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(rate*channels*bits/8))
	b = le.AppendUint16(b, uint16(channels*bits/8))
	return chunk{"fmt ", le.AppendUint16(b, uint16(bits))}
}

func extensible(tag, channels, rate, bits int) chunk {
	c := format(0xFFFE, channels, rate, bits)
	c.body = append(c.body, 22, 0, byte(bits), 0, 4, 0, 0, 0, byte(tag), 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71)
	return c
}

func floats(values ...float32) (b []byte) {
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func TestReadWAV(t *testing.T) {
	double := binary.LittleEndian.AppendUint64(nil, math.Float64bits(-0.75))
	for _, tc := range []struct {
		name string
		file []byte
		want []float32
	}{
		{"pcm8", riff(format(1, 1, 8000, 8), chunk{"data", []byte{0, 128, 255}}), []float32{-1, 0, 127. / 128}},
		{"pcm16", riff(format(1, 1, 8000, 16), chunk{"data", []byte{0, 0x80, 0xff, 0x7f, 1, 0}}), []float32{-1, 32767. / 32768, 1. / 32768}},
		{"pcm24", riff(format(1, 1, 8000, 24), chunk{"data", []byte{0, 0, 0x80, 1, 0, 0}}), []float32{-1, 1. / 8388608}},
		{"pcm32", riff(format(1, 1, 8000, 32), chunk{"data", []byte{0, 0, 0, 0x80, 0, 0, 0, 0x40}}), []float32{-1, 0.5}},
		{"float32", riff(format(3, 1, 8000, 32), chunk{"data", floats(0.25, -1.5)}), []float32{0.25, -1.5}},
		{"float64", riff(format(3, 1, 8000, 64), chunk{"data", double}), []float32{-0.75}},
		{"extensible pcm24", riff(extensible(1, 1, 8000, 24), chunk{"data", []byte{0, 0, 0x40}}), []float32{0.5}},
		{"extensible float", riff(extensible(3, 1, 8000, 32), chunk{"data", floats(0.125)}), []float32{0.125}},
		{"stereo", riff(format(1, 2, 8000, 16), chunk{"data", []byte{0, 0x40, 0, 0, 0, 0xc0, 0, 0x40}}), []float32{0.25, 0}},
		{"odd chunks", riff(chunk{"LIST", []byte("abc")}, format(1, 1, 8000, 8), chunk{"junk", []byte{1}}, chunk{"data", []byte{192}}, chunk{"id3 ", nil}), []float32{0.5}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, rate, err := esc50.ReadWAV(bytes.NewReader(tc.file))
			require.NoError(t, err)
			assert.Equal(t, 8000, rate)
			assert.Equal(t, tc.want, got)
		})
	}
}

// A program that writes to a pipe cannot know the length.
func TestReadWAVFromPipe(t *testing.T) {
	file := riff(format(1, 1, 44100, 16), chunk{"data", []byte{0, 0x40, 0, 0}})
	binary.LittleEndian.PutUint32(file[len(file)-8:], math.MaxUint32)
	got, rate, err := esc50.ReadWAV(bytes.NewReader(file))
	require.NoError(t, err)
	assert.Equal(t, 44100, rate)
	assert.Equal(t, []float32{0.5, 0}, got)
}

func TestReadWAVRefuses(t *testing.T) {
	good := riff(format(1, 1, 8000, 16), chunk{"data", make([]byte, 8)})
	for _, tc := range []struct {
		name, want string
		file       []byte
	}{
		{"empty", "no RIFF/WAVE header", nil},
		{"another format", "no RIFF/WAVE header", []byte("OggS000000000000000")},
		{"truncated data", "truncated", good[:len(good)-3]},
		{"truncated header", "chunk", good[:17]},
		{"no data", "no data chunk", riff(format(1, 1, 8000, 16))},
		{"no samples", "no samples", riff(format(1, 1, 8000, 16), chunk{"data", nil})},
		{"no format", "data before its format", riff(chunk{"data", make([]byte, 8)})},
		{"short format", "format chunk of 3 bytes", riff(chunk{"fmt ", make([]byte, 3)})},
		{"short extensible", "extensible", riff(format(0xFFFE, 1, 8000, 16), chunk{"data", make([]byte, 8)})},
		{"mp3 in wav", "encoding 85", riff(format(85, 1, 8000, 16), chunk{"data", make([]byte, 8)})},
		{"12 bits", "12 bits", riff(format(1, 1, 8000, 12), chunk{"data", make([]byte, 8)})},
		{"rate 0", "0 Hz", riff(format(1, 1, 0, 16), chunk{"data", make([]byte, 8)})},
		{"rate huge", "4000000000 Hz", riff(format(1, 1, 4000000000, 16), chunk{"data", make([]byte, 8)})},
		{"no channels", "no channels", riff(format(1, 0, 8000, 16), chunk{"data", make([]byte, 8)})},
		{"half a frame", "whole number", riff(format(1, 2, 8000, 16), chunk{"data", make([]byte, 6)})},
		{"not a number", "sample 1 is NaN", riff(format(3, 1, 8000, 32), chunk{"data", floats(0, float32(math.NaN()))})},
		{"infinite", "sample 0 is +Inf", riff(format(3, 1, 8000, 32), chunk{"data", floats(float32(math.Inf(1)))})},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := esc50.ReadWAV(bytes.NewReader(tc.file))
			require.ErrorIs(t, err, esc50.ErrWAV)
			assert.ErrorContains(t, err, tc.want)
		})
	}
}

func FuzzReadWAV(f *testing.F) {
	f.Add(riff(format(1, 1, 8000, 16), chunk{"data", make([]byte, 8)}))
	f.Add(riff(chunk{"LIST", []byte("abc")}, extensible(3, 2, 44100, 32), chunk{"data", floats(1, 2)}))
	f.Add(riff(format(1, 3, 96000, 24), chunk{"data", make([]byte, 18)}))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, rate, err := esc50.ReadWAV(bytes.NewReader(data))
		if err != nil {
			return
		}
		assert.Positive(t, rate)
		assert.NotEmpty(t, x)
		for _, v := range x {
			assert.False(t, math.IsNaN(float64(v)) || math.IsInf(float64(v), 0))
		}
	})
}
