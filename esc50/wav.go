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

// ReadWAV reads a WAV file and returns its samples as mono in [-1, 1], and its
// rate in Hz. The samples are those of libsndfile, which torchaudio uses, too:
// integers are divided by 2^(bits-1) of the bytes they lie in, and channels are
// averaged.
//
// It takes RIFF, RIFX (big-endian) and RF64 files with any number of channels of
//
//   - PCM of 1 to 32 bits, in as many bytes as they need: 12 bits are the upper
//     ones of 2 bytes, 20 bits of 3; up to 8 bits are unsigned;
//   - IEEE floats of 32 and 64 bits;
//   - A-law and µ-law of 8 bits;
//
// plain or WAVE_FORMAT_EXTENSIBLE. Unknown chunks are skipped, a frame that is
// cut off at the end is dropped. A program that writes to a pipe cannot know
// the length: a data chunk of 0x7FFF0000 bytes (sox, arecord) to 0xFFFFFFFF
// (ffmpeg) that is longer than the file ends with it.
//
// Refused are, where libsndfile returns few samples or meaningless ones: files
// that end before the length they state otherwise, a data chunk of length 0
// even if data follow, frames of another size than channels and bits make. Also
// refused are ADPCM, GSM and MPEG in WAV, BW64 and W64. Errors wrap ErrWAV; the
// caller knows the file and adds its name.
func ReadWAV(r io.Reader) (samples []float32, rate int, err error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, 0, err
	}
	return decodeWAV(nil, data)
}

func wavErrorf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrWAV, fmt.Sprintf(format, args...))
}

// placeholder is the least data length that is taken for "unknown". Sox writes
// 0x7FFFF000 less what makes it a whole number of frames, arecord 0x7FFFFFFF or
// 0x80000000 less its header.
const placeholder = 0x7FFF0000

// wavReader walks the chunks of a file.
type wavReader struct {
	file   []byte
	order  binary.ByteOrder
	long   bool  // RF64
	size64 int64 // of the data, by the ds64 chunk of an RF64 file; -1 before it
	format *wavFormat
}

// decodeWAV decodes a whole file, reusing dst's memory.
func decodeWAV(dst []float32, file []byte) ([]float32, int, error) {
	w := wavReader{file: file, order: binary.LittleEndian, size64: -1}
	if len(file) < 12 || string(file[8:12]) != "WAVE" {
		return nil, 0, wavErrorf("no RIFF/WAVE header in %d bytes", len(file))
	}
	switch string(file[:4]) {
	case "RIFF":
	case "RIFX":
		w.order = binary.BigEndian
	case "RF64":
		w.long = true
	default:
		return nil, 0, wavErrorf("no RIFF/WAVE header in %d bytes: it begins with %q", len(file), file[:4])
	}
	body, err := w.data()
	if err != nil {
		return nil, 0, err
	}
	samples, err := w.format.decode(dst, body)
	return samples, w.format.rate, err
}

// data reads the chunks up to the data and returns that one's content.
func (w *wavReader) data() ([]byte, error) {
	file := w.file
	for at := 12; at < len(file); {
		if len(file)-at < 8 {
			if w.format != nil || len(file)-at == 1 { // a stray pad byte
				break
			}
			return nil, wavErrorf("ends within a chunk header at byte %d", at)
		}
		id, size := string(file[at:at+4]), int64(w.order.Uint32(file[at+4:]))
		body := file[at+8:]
		if id == "data" {
			var err error
			if size, err = w.dataSize(size, int64(len(body))); err != nil {
				return nil, err
			}
		}
		if size > int64(len(body)) {
			return nil, wavErrorf("truncated: chunk %q of %d bytes at byte %d, but %d bytes follow", id, size, at, len(body))
		}
		body = body[:size]
		switch id {
		case "ds64":
			if w.long && len(body) >= 16 {
				w.size64 = int64(w.order.Uint64(body[8:]))
			}
		case "fmt ":
			f, err := parseFormat(body, w.order)
			if err != nil {
				return nil, err
			}
			w.format = f
		case "data":
			if w.format == nil {
				return nil, wavErrorf("data before its format")
			}
			return body, nil
		}
		at += 8 + int(size+size&1) // chunks are padded to even lengths
	}
	return nil, wavErrorf("no data chunk in %d bytes", len(file))
}

// dataSize is the length of the data chunk, of which the header says size and
// rest bytes are there. RF64 keeps the true length in its ds64 chunk, and
// libsndfile believes that one whatever the header says.
func (w *wavReader) dataSize(size, rest int64) (int64, error) {
	switch {
	case w.long && w.size64 < 0:
		return 0, wavErrorf("RF64 without the ds64 chunk that holds the length")
	case w.long:
		size = w.size64
	case size >= placeholder && size > rest:
		size = rest
	}
	if size == 0 && rest > 0 {
		return 0, wavErrorf("no samples: the data chunk has length 0, as a program leaves it that could not go back to its header; %d bytes follow", rest)
	}
	return size, nil
}

// wavFormat is the content of a fmt chunk.
type wavFormat struct {
	tag, channels, bits, align int
	rate                       int
	order                      binary.ByteOrder
}

const (
	formatPCM        = 1
	formatFloat      = 3
	formatALaw       = 6
	formatMuLaw      = 7
	formatExtensible = 0xFFFE
	maxRate          = 768_000 // Hz; above, a rate in a header is taken for damage
)

func parseFormat(b []byte, order binary.ByteOrder) (*wavFormat, error) {
	if len(b) < 16 {
		return nil, wavErrorf("format chunk of %d bytes, want at least 16", len(b))
	}
	f := &wavFormat{
		tag:      int(order.Uint16(b)),
		channels: int(order.Uint16(b[2:])),
		align:    int(order.Uint16(b[12:])),
		bits:     int(order.Uint16(b[14:])),
		order:    order,
	}
	rate := order.Uint32(b[4:])
	if f.tag == formatExtensible {
		if len(b) < 40 {
			return nil, wavErrorf("extensible format chunk of %d bytes, want 40", len(b))
		}
		f.tag = int(order.Uint16(b[24:])) // the first field of the sub-format's GUID
	}
	switch {
	case rate == 0 || rate > maxRate:
		return nil, wavErrorf("sample rate of %d Hz, want 1 to %d", rate, maxRate)
	case f.channels == 0:
		return nil, wavErrorf("no channels")
	case f.decoder() == nil:
		return nil, wavErrorf("encoding %d with %d bits a sample isn't supported; want PCM of 1 to 32 bits, float of 32 or 64, A-law or µ-law", f.tag, f.bits)
	case f.align != f.channels*f.width():
		return nil, wavErrorf("%d bytes a frame for %d channels of %d bits", f.align, f.channels, f.bits)
	}
	f.rate = int(rate)
	return f, nil
}

// width is the number of bytes of a sample.
func (f *wavFormat) width() int { return (f.bits + 7) / 8 }

// decode returns the samples, the mean of the channels.
func (f *wavFormat) decode(dst []float32, body []byte) ([]float32, error) {
	n := len(body) / f.align // what is left over is part of a frame
	if n == 0 {
		return nil, wavErrorf("no samples")
	}
	if cap(dst) < n {
		dst = make([]float32, n)
	}
	dst = dst[:n]
	if f.fast() {
		dsp.PCM16(dst, body[:2*n])
		return dst, nil
	}
	at, width := f.decoder(), f.width()
	for i := range dst {
		sum := 0.0
		for c := range f.channels {
			sum += at(body[i*f.align+c*width:])
		}
		v := float32(sum / float64(f.channels))
		if !(math.Abs(float64(v)) <= math.MaxFloat32) {
			return nil, wavErrorf("sample %d is %v", i, v)
		}
		dst[i] = v
	}
	return dst, nil
}
