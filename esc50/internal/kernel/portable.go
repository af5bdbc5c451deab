//go:build !amd64 && !arm64

package kernel

// available lists what this machine can run.
func available() []Level { return []Level{Generic} }

func conv(out []float32, stride int, in []float32, taps *Taps, w []float32, tiles int) {
	convGeneric(out, stride, in, taps, w, tiles)
}

func dw(out, dy []float32, stride int, in []float32, taps *Taps, chunks int) {
	dwGeneric(out, dy, stride, in, taps, chunks)
}

func bnReLU(dst, y []float32, p *Norm)               { bnReLUGeneric(dst, y, p) }
func bnGrad(dst, da, y []float32, p *Norm)           { bnGradGeneric(dst, da, y, p) }
func bnReLUPool(dst, y0, y1 []float32, p *Norm)      { bnReLUPoolGeneric(dst, y0, y1, p) }
func sum(s *Sum16, x []float32)                      { sumGeneric(s, x) }
func gradStats(m *Moments, da, y []float32, p *Norm) { gradStatsGeneric(m, da, y, p) }
func binary(op Op, _ int, dst, x, y []float32)       { binaryGeneric(op, dst, x, y) }

func bnReLUUnpool(dst0, dst1, dp, y0, y1 []float32, p *Norm) {
	bnReLUUnpoolGeneric(dst0, dst1, dp, y0, y1, p)
}

func biasStats(dst, src []float32, bias float32, m *Moments) {
	biasStatsGeneric(dst, src, bias, m)
}

func tileFuncs() *[tileKinds]tileFunc { return nil }

func tileHeights() *heights { return heightsAny }

func tilePanels(int, int) int { return 0 }

func product(int, int, *block) {}

func columns(int) *columnFuncs { return nil }

func unary(f function, dst, x []float32) { unaryGeneric(f, dst, x) }

func wholeChannels(int) int { return 0 }

func depthwise(*deep) {}

func depthwiseGrad(*deep) {}

func scatterMax(*scattering) {}

func turn(_, _ []float32, _ *[Panel]int64, _ int) bool { return false }

// pack is done in Go.
func pack([]float32, int, []float32, []int64) bool { return false }
