package esc50

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
)

// A features file is the magic line, the length and CRC-32C of a JSON header,
// the header, and one record of fixed size for each clip: its values as
// little-endian float32 and their CRC-32C.
const (
	featureMagic  = "reprodl features 1\n"
	maxHeaderSize = 64 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type featureHeader struct {
	Front  FrontConfig
	Bands  int
	Frames int
	Clips  []Clip
}

// writeHeader returns the number of bytes written.
func (f *Features) writeHeader(w io.Writer) (int64, error) {
	header, err := json.Marshal(featureHeader{f.Front, f.Bands, f.Frames, f.Clips})
	if err != nil {
		return 0, err
	}
	b := []byte(featureMagic)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(header)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(header, castagnoli))
	n, err := w.Write(append(b, header...))
	return int64(n), err
}

// OpenFeatures opens a file that ExtractFile wrote. Only its header is read;
// the spectrograms are read, and verified, as they are asked for.
func OpenFeatures(name string) (*Features, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	f := &Features{file: file}
	if err := f.readHeader(); err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: not a features file, or a damaged one: %w; delete it and extract it again", name, err)
	}
	return f, nil
}

func (f *Features) readHeader() error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	head := make([]byte, len(featureMagic)+8)
	if _, err := io.ReadFull(f.file, head); err != nil {
		return err
	}
	if !bytes.HasPrefix(head, []byte(featureMagic)) {
		return fmt.Errorf("starts with %q", head[:len(featureMagic)])
	}
	le := binary.LittleEndian
	size, sum := int64(le.Uint32(head[len(featureMagic):])), le.Uint32(head[len(featureMagic)+4:])
	if size > maxHeaderSize || size > info.Size() {
		return fmt.Errorf("header of %d bytes", size)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(f.file, text); err != nil {
		return err
	}
	if crc32.Checksum(text, castagnoli) != sum {
		return fmt.Errorf("the header's checksum differs")
	}
	var h featureHeader
	if err := json.Unmarshal(text, &h); err != nil {
		return err
	}
	if h.Bands < 1 || h.Frames < 1 || h.Bands > 1<<16 || h.Frames > 1<<24 {
		return fmt.Errorf("spectrograms of %d by %d", h.Bands, h.Frames)
	}
	for _, c := range h.Clips {
		if c.Target < 0 || c.Target > maxTarget {
			return fmt.Errorf("%s has the target %d", c.File, c.Target)
		}
	}
	f.Front, f.Bands, f.Frames, f.Clips = h.Front, h.Bands, h.Frames, h.Clips
	f.Classes = (&Dataset{Clips: f.Clips}).Classes()
	f.start = int64(len(head)) + size
	if want := f.start + int64(f.Len())*f.recordSize(); info.Size() != want {
		return fmt.Errorf("%d bytes, want %d", info.Size(), want)
	}
	return nil
}

func (f *Features) recordSize() int64 { return int64(4*f.Size() + 4) }

func encodeRecord(x []float32) []byte {
	b := make([]byte, 0, 4*len(x)+4)
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func decodeRecord(dst []float32, b []byte) error {
	values, sum := b[:4*len(dst)], binary.LittleEndian.Uint32(b[4*len(dst):])
	if crc32.Checksum(values, castagnoli) != sum {
		return fmt.Errorf("the checksum differs; delete the file and extract it again")
	}
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(values[4*i:]))
	}
	return nil
}
