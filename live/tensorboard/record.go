package tensorboard

import (
	"encoding/binary"
	"hash/crc32"
	"math"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendRecord frames a message as TensorFlow's record files do: length,
// checksum of the length, data, checksum of the data.
func appendRecord(dst, data []byte) []byte {
	n := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(len(data)))
	dst = binary.LittleEndian.AppendUint32(dst, mask(dst[n:]))
	dst = append(dst, data...)
	return binary.LittleEndian.AppendUint32(dst, mask(data))
}

// mask is the checksum of data, rotated and shifted, so that a checksum of data
// that holds checksums isn't a special case.
func mask(data []byte) uint32 {
	sum := crc32.Checksum(data, castagnoli)
	return (sum>>15 | sum<<17) + 0xa282ead8
}

// message is a protocol buffer under construction. Its methods append a field
// and return the message.
type message struct{ data []byte }

// The wire types of protocol buffers.
const (
	wireVarint = 0
	wire64     = 1
	wireBytes  = 2
	wire32     = 5
)

func (m message) key(field, wire int) message {
	m.data = binary.AppendUvarint(m.data, uint64(field<<3|wire))
	return m
}

func (m message) varint(field int, v uint64) message {
	m = m.key(field, wireVarint)
	m.data = binary.AppendUvarint(m.data, v)
	return m
}

func (m message) double(field int, v float64) message {
	m = m.key(field, wire64)
	m.data = binary.LittleEndian.AppendUint64(m.data, math.Float64bits(v))
	return m
}

func (m message) float(field int, v float32) message {
	m = m.key(field, wire32)
	m.data = binary.LittleEndian.AppendUint32(m.data, math.Float32bits(v))
	return m
}

func (m message) bytes(field int, v []byte) message {
	m = m.key(field, wireBytes)
	m.data = binary.AppendUvarint(m.data, uint64(len(v)))
	m.data = append(m.data, v...)
	return m
}

func (m message) str(field int, v string) message { return m.bytes(field, []byte(v)) }

func (m message) msg(field int, v message) message { return m.bytes(field, v.data) }
