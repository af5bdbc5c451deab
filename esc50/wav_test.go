package esc50_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math"
	"slices"
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
	align := channels * ((bits + 7) / 8)
	b = le.AppendUint32(b, uint32(rate*align))
	b = le.AppendUint16(b, uint16(align))
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

// resized gives the data chunk, the last one, another length in its header.
func resized(file []byte, size uint32) []byte {
	file = slices.Clone(file)
	at := bytes.LastIndex(file, []byte("data"))
	binary.LittleEndian.PutUint32(file[at+4:], size)
	return file
}

// padded gives the frames another size.
func padded(c chunk, align int) chunk {
	binary.LittleEndian.PutUint16(c.body[12:], uint16(align))
	return c
}

// bigEndian makes a RIFX file of a RIFF file of one format and one data chunk;
// width is that of a sample.
func bigEndian(file []byte, width int) []byte {
	file = slices.Clone(file)
	copy(file, "RIFX")
	turn := func(from, n int) { slices.Reverse(file[from : from+n]) }
	for _, field := range [][2]int{{4, 4}, {16, 4}, {20, 2}, {22, 2}, {24, 4}, {28, 4}, {32, 2}, {34, 2}, {40, 4}} {
		turn(field[0], field[1])
	}
	for at := 44; at+width <= len(file); at += width {
		turn(at, width)
	}
	return file
}

// rf64 is a file whose header leaves the length of the data to the ds64 chunk.
func rf64(data []byte, size int) []byte {
	le := binary.LittleEndian
	ds64 := le.AppendUint64(nil, uint64(size)+72)
	ds64 = le.AppendUint64(ds64, uint64(size))
	ds64 = le.AppendUint64(ds64, uint64(size/2))
	file := riff(chunk{"ds64", le.AppendUint32(ds64, 0)}, format(1, 1, 8000, 16), chunk{"data", data})
	copy(file, "RF64\xff\xff\xff\xff")
	return resized(file, math.MaxUint32)
}

// TestReadWAVAsLibsndfile has the odd files that libsndfile 1.2.2 reads, and
// the samples that it reads, times 32768.
func TestReadWAVAsLibsndfile(t *testing.T) {
	d16 := []byte{0, 0, 0xe8, 3, 0, 0x80, 0xff, 0x7f, 5, 0, 0xfa, 0xff}
	plain := riff(format(1, 1, 8000, 16), chunk{"data", d16})
	samples := []float64{0, 1000, -32768, 32767, 5, -6}
	b20 := []byte{0xf0, 0xff, 0x7f, 0, 0, 0x80, 0x10, 0, 0, 0x23, 1, 0}
	b28 := []byte{0, 0x50, 0x34, 0x12, 0, 0, 0, 0x80, 0xff, 0xff, 0xff, 0x7f}
	for _, tt := range []struct {
		name string
		file []byte
		want []float64
	}{
		{"ffmpeg to a pipe", resized(plain, math.MaxUint32), samples},
		{"sox to a pipe", resized(plain, 0x7ffff000), samples},
		{"sox to a pipe, 24 bits", resized(riff(format(1, 1, 8000, 24), chunk{"data", b20}), 0x7fffefff), []float64{32767.9375, -32768, 0.0625, 1.13671875}},
		{"arecord", resized(plain, 0x7fffffff-36), samples},
		{"arecord, 2 GiB", resized(plain, 0x80000000), samples},
		{"an odd tail byte in the data", riff(format(1, 1, 8000, 16), chunk{"data", append(slices.Clone(d16), 1)}), samples},
		{"an odd tail byte behind them", append(slices.Clone(plain), 1), samples},
		{"part of a frame", riff(format(1, 2, 8000, 16), chunk{"data", d16[:10]}), []float64{500, -0.5}},
		{"12 bits", riff(format(1, 1, 8000, 12), chunk{"data", []byte{0xf0, 0x7f, 0, 0x80, 0x10, 0, 0x23, 1}}), []float64{32752, -32768, 16, 291}},
		{"20 bits", riff(format(1, 1, 8000, 20), chunk{"data", b20}), []float64{32767.9375, -32768, 0.0625, 1.13671875}},
		{"28 bits", riff(format(1, 1, 8000, 28), chunk{"data", b28}), []float64{4660.3125, -32768, 32768}},
		{"4 bits", riff(format(1, 1, 8000, 4), chunk{"data", []byte{0, 128, 255, 16}}), []float64{-32768, 0, 32512, -28672}},
		{"RIFX", bigEndian(plain, 2), samples},
		{"RIFX, 24 bits", bigEndian(riff(format(1, 1, 8000, 24), chunk{"data", b20}), 3), []float64{32767.9375, -32768, 0.0625, 1.13671875}},
		{"RIFX, floats", bigEndian(riff(format(3, 1, 8000, 32), chunk{"data", floats(0.5, -0.25, 1.5)}), 4), []float64{16384, -8192, 49152}},
		{"RF64", rf64(d16, 12), samples},
		{"RF64 with another chunk behind", append(rf64(d16[:8], 8), "LIST\x04\x00\x00\x00abcd"...), samples[:4]},
		{"A-law", riff(format(6, 1, 8000, 8), chunk{"data", []byte{0, 1, 2, 127, 128, 255}}), []float64{-5504, -5248, -6016, -848, 5504, 848}},
		{"µ-law", riff(format(7, 1, 8000, 8), chunk{"data", []byte{0, 1, 2, 127, 128, 254}}), []float64{-32124, -31100, -30076, 0, 32124, 8}},
		{"A-law, extensible", riff(extensible(6, 1, 8000, 8), chunk{"data", []byte{0}}), []float64{-5504}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, rate, err := esc50.ReadWAV(bytes.NewReader(tt.file))
			require.NoError(t, err)
			assert.Equal(t, 8000, rate)
			want := make([]float32, len(tt.want))
			for i, v := range tt.want {
				want[i] = float32(v / 32768)
			}
			assert.Equal(t, want, got)
		})
	}
}

// All 256 codes; the checksums are of libsndfile's 16-bit samples.
func TestG711(t *testing.T) {
	codes := make([]byte, 256)
	for i := range codes {
		codes[i] = byte(i)
	}
	for tag, want := range map[int]uint32{6: 0x9d764657, 7: 0x0c847a9f} {
		got, _, err := esc50.ReadWAV(bytes.NewReader(riff(format(tag, 1, 8000, 8), chunk{"data", codes})))
		require.NoError(t, err)
		var pcm []byte
		for _, v := range got {
			pcm = binary.LittleEndian.AppendUint16(pcm, uint16(int16(v*32768)))
		}
		assert.Equal(t, want, crc32.ChecksumIEEE(pcm), tag)
	}
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
		{"33 bits", "33 bits", riff(format(1, 1, 8000, 33), chunk{"data", make([]byte, 8)})},
		{"0 bits", "0 bits", riff(format(1, 1, 8000, 0), chunk{"data", make([]byte, 8)})},
		{"half floats", "encoding 3 with 16 bits", riff(format(3, 1, 8000, 16), chunk{"data", make([]byte, 8)})},
		{"ADPCM", "encoding 2 with 4 bits", riff(format(2, 1, 8000, 4), chunk{"data", make([]byte, 8)})},
		{"20 bits in 4 bytes", "4 bytes a frame for 1 channels of 20 bits", riff(padded(format(1, 1, 8000, 20), 4), chunk{"data", make([]byte, 8)})},
		{"a header never finished", "length 0", resized(good, 0)},
		{"RF64 without its length", "ds64", append([]byte("RF64"), resized(good, math.MaxUint32)[4:]...)},
		{"truncated RF64", "truncated", rf64(make([]byte, 8), 1000)},
		{"BW64", `begins with "BW64"`, append([]byte("BW64"), good[4:]...)},
		{"rate 0", "0 Hz", riff(format(1, 1, 0, 16), chunk{"data", make([]byte, 8)})},
		{"rate huge", "4000000000 Hz", riff(format(1, 1, 4000000000, 16), chunk{"data", make([]byte, 8)})},
		{"no channels", "no channels", riff(format(1, 0, 8000, 16), chunk{"data", make([]byte, 8)})},
		{"less than a frame", "no samples", riff(format(1, 2, 8000, 16), chunk{"data", make([]byte, 3)})},
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
	f.Add(bigEndian(riff(format(6, 1, 8000, 8), chunk{"data", make([]byte, 8)}), 1))
	f.Add(rf64(make([]byte, 8), 8))
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
