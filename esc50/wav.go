package esc50

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/reprodl/reprodl/esc50/internal/dsp"
)

// ErrWAV is wrapped by every error about the content of a WAV file: not a WAV
// file, truncated, an unsupported encoding, samples that aren't numbers.
var ErrWAV = errors.New("bad WAV file")

// ReadWAV reads a WAV (RIFF/WAVE) file and returns its samples as mono in
// [-1, 1], and its rate in Hz. It takes PCM of 8, 16, 24 and 32 bits and
// IEEE floats of 32 and 64 bits, plain or WAVE_FORMAT_EXTENSIBLE, with any
// number of channels, which it averages; unknown chunks are skipped. Integers
// are divided by 2^(bits-1), as libsndfile and torchaudio do.
//
// A data chunk that ends before its stated length is an error, except for the
// length 0xFFFFFFFF of programs that write to a pipe. Errors wrap ErrWAV; the
// caller knows the file and adds its name.
func ReadWAV(r io.Reader) (samples []float32, rate int, err error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, 0, err
	}
	return decodeWAV(nil, data)
}

const (
	formatPCM        = 1
	formatFloat      = 3
	formatExtensible = 0xFFFE
	maxRate          = 768_000 // Hz; above, a rate in a header is taken for damage
)

// wavFormat is the content of a fmt chunk.
type wavFormat struct {
	tag, channels, bits, align int
	rate                       int
}

func wavErrorf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrWAV, fmt.Sprintf(format, args...))
}

// decodeWAV decodes a whole file, reusing dst's memory.
func decodeWAV(dst []float32, file []byte) ([]float32, int, error) {
	if len(file) < 12 || string(file[:4]) != "RIFF" || string(file[8:12]) != "WAVE" {
		return nil, 0, wavErrorf("no RIFF/WAVE header in %d bytes", len(file))
	}
	var format *wavFormat
	for at := 12; at < len(file); {
		if len(file)-at < 8 {
			if format != nil || len(file)-at == 1 { // a stray pad byte
				break
			}
			return nil, 0, wavErrorf("ends within a chunk header at byte %d", at)
		}
		id, size := string(file[at:at+4]), int64(binary.LittleEndian.Uint32(file[at+4:]))
		body := file[at+8:]
		if size == math.MaxUint32 && id == "data" {
			size = int64(len(body))
		}
		if size > int64(len(body)) {
			return nil, 0, wavErrorf("truncated: chunk %q of %d bytes at byte %d, but %d bytes follow", id, size, at, len(body))
		}
		body = body[:size]
		switch id {
		case "fmt ":
			f, err := parseFormat(body)
			if err != nil {
				return nil, 0, err
			}
			format = f
		case "data":
			if format == nil {
				return nil, 0, wavErrorf("data before its format")
			}
			samples, err := format.decode(dst, body)
			return samples, format.rate, err
		}
		at += 8 + int(size+size&1) // chunks are padded to even lengths
	}
	return nil, 0, wavErrorf("no data chunk in %d bytes", len(file))
}

func parseFormat(b []byte) (*wavFormat, error) {
	if len(b) < 16 {
		return nil, wavErrorf("format chunk of %d bytes, want at least 16", len(b))
	}
	le := binary.LittleEndian
	f := &wavFormat{
		tag:      int(le.Uint16(b)),
		channels: int(le.Uint16(b[2:])),
		align:    int(le.Uint16(b[12:])),
		bits:     int(le.Uint16(b[14:])),
	}
	rate := le.Uint32(b[4:])
	if f.tag == formatExtensible {
		if len(b) < 40 {
			return nil, wavErrorf("extensible format chunk of %d bytes, want 40", len(b))
		}
		f.tag = int(le.Uint16(b[24:])) // the first field of the sub-format's GUID
	}
	switch {
	case rate == 0 || rate > maxRate:
		return nil, wavErrorf("sample rate of %d Hz, want 1 to %d", rate, maxRate)
	case f.channels == 0:
		return nil, wavErrorf("no channels")
	case f.decoder() == nil:
		return nil, wavErrorf("encoding %d with %d bits a sample isn't supported; want PCM of 8, 16, 24 or 32 bits or float of 32 or 64", f.tag, f.bits)
	case f.align != f.channels*f.bits/8:
		return nil, wavErrorf("%d bytes a frame for %d channels of %d bits", f.align, f.channels, f.bits)
	}
	f.rate = int(rate)
	return f, nil
}

// decoder returns the function that reads one sample of the format, nil when
// the format isn't supported.
func (f *wavFormat) decoder() func([]byte) float64 {
	le := binary.LittleEndian
	switch [2]int{f.tag, f.bits} {
	case [2]int{formatPCM, 8}:
		return func(b []byte) float64 { return (float64(b[0]) - 128) / (1 << 7) }
	case [2]int{formatPCM, 16}:
		return func(b []byte) float64 { return float64(int16(le.Uint16(b))) / (1 << 15) }
	case [2]int{formatPCM, 24}:
		return func(b []byte) float64 {
			return float64(int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24)) / (1 << 31)
		}
	case [2]int{formatPCM, 32}:
		return func(b []byte) float64 { return float64(int32(le.Uint32(b))) / (1 << 31) }
	case [2]int{formatFloat, 32}:
		return func(b []byte) float64 { return float64(math.Float32frombits(le.Uint32(b))) }
	case [2]int{formatFloat, 64}:
		return func(b []byte) float64 { return math.Float64frombits(le.Uint64(b)) }
	}
	return nil
}

func (f *wavFormat) decode(dst []float32, body []byte) ([]float32, error) {
	if len(body)%f.align != 0 {
		return nil, wavErrorf("truncated: %d bytes of data aren't a whole number of %d-byte frames", len(body), f.align)
	}
	n := len(body) / f.align
	if n == 0 {
		return nil, wavErrorf("no samples")
	}
	if cap(dst) < n {
		dst = make([]float32, n)
	}
	dst = dst[:n]
	if f.tag == formatPCM && f.bits == 16 && f.channels == 1 { // what ESC-50 is made of
		dsp.PCM16(dst, body)
		return dst, nil
	}
	at, size := f.decoder(), f.bits/8
	for i := range dst {
		sum := 0.0
		for c := range f.channels {
			sum += at(body[i*f.align+c*size:])
		}
		v := float32(sum / float64(f.channels))
		if !(math.Abs(float64(v)) <= math.MaxFloat32) {
			return nil, wavErrorf("sample %d is %v", i, v)
		}
		dst[i] = v
	}
	return dst, nil
}

// appendWAV appends mono 16-bit PCM samples as a WAV file with the plain
// 44-byte header.
func appendWAV(dst []byte, samples []int16, rate int) []byte {
	le, size := binary.LittleEndian, 2*len(samples)
	dst = append(dst, "RIFF"...)
	dst = le.AppendUint32(dst, uint32(36+size))
	dst = append(dst, "WAVEfmt "...)
	dst = le.AppendUint32(dst, 16)
	dst = le.AppendUint16(dst, formatPCM)
	dst = le.AppendUint16(dst, 1)
	dst = le.AppendUint32(dst, uint32(rate))
	dst = le.AppendUint32(dst, uint32(2*rate))
	dst = le.AppendUint16(dst, 2)
	dst = le.AppendUint16(dst, 16)
	dst = append(dst, "data"...)
	dst = le.AppendUint32(dst, uint32(size))
	for _, v := range samples {
		dst = le.AppendUint16(dst, uint16(v))
	}
	return dst
}
