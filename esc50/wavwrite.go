package esc50

import "encoding/binary"

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
