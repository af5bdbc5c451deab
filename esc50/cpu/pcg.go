package cpu

import (
	"encoding/binary"
	"math/bits"
)

// pcg is the generator of math/rand/v2 with that name, PCG-DXSM: a linear
// congruential generator of 128 bits whose states are mixed to words of 64. It
// can skip ahead, so that workers draw parts of one sequence.
type pcg struct{ hi, lo uint64 }

// The next state is this one times pcgMul plus pcgAdd, the fourth from here this
// one times pcgMul4 plus pcgAdd4.
var (
	pcgMul  = pcg{2549297995355413924, 4865540595714422341}
	pcgAdd  = pcg{6364136223846793005, 1442695040888963407}
	pcgAdd4 = pcg{}.skip(4)
	pcgMul4 = pcgMul.times(pcgMul).times(pcgMul).times(pcgMul)
)

func (p pcg) times(q pcg) pcg {
	hi, lo := bits.Mul64(p.lo, q.lo)
	return pcg{hi + p.hi*q.lo + p.lo*q.hi, lo}
}

func (p pcg) plus(q pcg) pcg {
	lo, carry := bits.Add64(p.lo, q.lo, 0)
	hi, _ := bits.Add64(p.hi, q.hi, carry)
	return pcg{hi, lo}
}

// skip is the state after n words: the steps' product, by squares.
func (p pcg) skip(n uint64) pcg {
	mul, add := pcgMul, pcgAdd
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			p = p.times(mul).plus(add)
		}
		add = mul.times(add).plus(add)
		mul = mul.times(mul)
	}
	return p
}

// word mixes a state.
func (p pcg) word() uint64 {
	const cheap = 0xda942042e4dd58b5
	hi := p.hi
	hi ^= hi >> 32
	hi *= cheap
	hi ^= hi >> 48
	return hi * (p.lo | 1)
}

// fill writes the words that follow, in little-endian bytes, of the last one
// only those that fit. Every fourth word is a sequence of its own, since a state
// is a long wait for the one before.
func (p pcg) fill(dst []byte) {
	a := p.skip(1)
	b, c, d := p.skip(2), p.skip(3), p.skip(4)
	for ; len(dst) >= 32; dst = dst[32:] {
		binary.LittleEndian.PutUint64(dst, a.word())
		binary.LittleEndian.PutUint64(dst[8:], b.word())
		binary.LittleEndian.PutUint64(dst[16:], c.word())
		binary.LittleEndian.PutUint64(dst[24:], d.word())
		a, b = a.times(pcgMul4).plus(pcgAdd4), b.times(pcgMul4).plus(pcgAdd4)
		c, d = c.times(pcgMul4).plus(pcgAdd4), d.times(pcgMul4).plus(pcgAdd4)
	}
	for _, last := range []pcg{a, b, c, d} {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], last.word())
		dst = dst[copy(dst, word[:]):]
	}
}

// draw is fill by the run's workers.
func (p pcg) draw(x *run, dst []byte) pcg {
	const part = 8 * grain
	x.tasks((len(dst)+part-1)/part, func(t int, _ *scratch) {
		p.skip(uint64(t) * grain).fill(dst[t*part : min(len(dst), (t+1)*part)])
	})
	return p.skip(uint64(len(dst)+7) / 8)
}
