package esc50

import (
	"encoding/binary"
	"math"
)

// decoder returns the function that reads one sample of the format, nil when
// the format isn't supported. Integers fill their bytes from the top, so their
// scale is that of the bytes, whatever the number of bits: libsndfile looks at
// no more either, not even at the valid bits of an extensible format.
func (f *wavFormat) decoder() func([]byte) float64 {
	order := f.order
	switch f.tag {
	case formatPCM:
		return f.integer()
	case formatFloat:
		switch f.bits {
		case 32:
			return func(b []byte) float64 { return float64(math.Float32frombits(order.Uint32(b))) }
		case 64:
			return func(b []byte) float64 { return math.Float64frombits(order.Uint64(b)) }
		}
	case formatALaw:
		if f.bits == 8 {
			return func(b []byte) float64 { return float64(aLaw(b[0])) / (1 << 15) }
		}
	case formatMuLaw:
		if f.bits == 8 {
			return func(b []byte) float64 { return float64(muLaw(b[0])) / (1 << 15) }
		}
	}
	return nil
}

func (f *wavFormat) integer() func([]byte) float64 {
	order := f.order
	switch f.width() {
	case 1:
		return func(b []byte) float64 { return (float64(b[0]) - 128) / (1 << 7) }
	case 2:
		return func(b []byte) float64 { return float64(int16(order.Uint16(b))) / (1 << 15) }
	case 3:
		first, last := 0, 2 // the least and the most significant byte
		if order == binary.ByteOrder(binary.BigEndian) {
			first, last = 2, 0
		}
		return func(b []byte) float64 {
			return float64(int32(uint32(b[first])<<8|uint32(b[1])<<16|uint32(b[last])<<24)) / (1 << 31)
		}
	case 4:
		return func(b []byte) float64 { return float64(int32(order.Uint32(b))) / (1 << 31) }
	}
	return nil
}

// fast reports the format that ESC-50 is made of.
func (f *wavFormat) fast() bool {
	return f.tag == formatPCM && f.width() == 2 && f.channels == 1 && f.order == binary.ByteOrder(binary.LittleEndian)
}

// aLaw and muLaw are the expansions of ITU-T G.711 to 16 bits: a sign, three
// bits of exponent and four of mantissa, half a step added. A-law has every
// second bit inverted, µ-law all of them.
func aLaw(b byte) int16 {
	b ^= 0x55
	v, exponent := int16(b&0x0F)<<4+8, b>>4&7
	if exponent > 0 {
		v = (v + 0x100) << (exponent - 1)
	}
	if b&0x80 == 0 {
		return -v
	}
	return v
}

func muLaw(b byte) int16 {
	const bias = 0x84
	b = ^b
	v := (int16(b&0x0F)<<3+bias)<<(b>>4&7) - bias
	if b&0x80 != 0 {
		return -v
	}
	return v
}
