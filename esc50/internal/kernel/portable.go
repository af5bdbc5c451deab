//go:build !amd64

package kernel

// best is the only level there is.
func best() Level { return Generic }

const unreachable = "kernel: no assembler on this architecture"

var binaryAVX512, binaryAVX2 [4][3]func(dst, x, y *float32, n int)

func convAVX512(out *float32, stride int, in *float32, off *int64, n int, w *float32, tiles int) {
	panic(unreachable)
}
func dwAVX512(out, dy *float32, stride int, in *float32, off *int64, groups, n int) {
	panic(unreachable)
}
func bnReLUAVX512(dst, y *float32, p *Norm, n int)                       { panic(unreachable) }
func bnGradAVX512(dst, da, y *float32, p *Norm, n int)                   { panic(unreachable) }
func bnReLUPoolAVX512(dst, y0, y1 *float32, p *Norm, n int)              { panic(unreachable) }
func bnReLUUnpoolAVX512(dst0, dst1, dp, y0, y1 *float32, p *Norm, n int) { panic(unreachable) }
func sumAVX512(acc *Sum16, x *float32, n int)                            { panic(unreachable) }
func biasStatsAVX512(dst, src, bias *float32, acc *Moments, n int)       { panic(unreachable) }
func gradStatsAVX512(acc *Moments, da, y *float32, p *Norm, n int)       { panic(unreachable) }
func sqrtAVX512(dst, x *float32, n int)                                  { panic(unreachable) }
func convAVX2(out *float32, stride int, in *float32, off *int64, n int, w *float32, tiles int) {
	panic(unreachable)
}
func dwAVX2(out, dy *float32, stride int, in *float32, off *int64, groups, n int) { panic(unreachable) }
func bnReLUAVX2(dst, y *float32, p *Norm, n int)                                  { panic(unreachable) }
func bnGradAVX2(dst, da, y *float32, p *Norm, n int)                              { panic(unreachable) }
func bnReLUPoolAVX2(dst, y0, y1 *float32, p *Norm, n int)                         { panic(unreachable) }
func bnReLUUnpoolAVX2(dst0, dst1, dp, y0, y1 *float32, p *Norm, n int)            { panic(unreachable) }
func sumAVX2(acc *Sum16, x *float32, n int)                                       { panic(unreachable) }
func biasStatsAVX2(dst, src, bias *float32, acc *Moments, n int)                  { panic(unreachable) }
func gradStatsAVX2(acc *Moments, da, y *float32, p *Norm, n int)                  { panic(unreachable) }
func sqrtAVX2(dst, x *float32, n int)                                             { panic(unreachable) }
