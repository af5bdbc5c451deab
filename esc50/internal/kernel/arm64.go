//go:build arm64

package kernel

// available lists what this machine can run: every arm64 has NEON.
func available() []Level { return []Level{Generic, NEON} }

var binaryNEON = [opCount][3]binaryFunc{
	{addVVNEON, addVSNEON, addSVNEON}, {subVVNEON, subVSNEON, subSVNEON},
	{mulVVNEON, mulVSNEON, mulSVNEON}, {divVVNEON, divVSNEON, divSVNEON},
	{maxVVNEON, maxVSNEON, maxSVNEON}, {minVVNEON, minVSNEON, minSVNEON},
}

//go:noescape
func convNEON(out *float32, stride int, in *float32, off *int64, n int, w *float32, tiles int)

//go:noescape
func dwNEON(out, dy *float32, stride int, in *float32, off *int64, groups, n int)

//go:noescape
func bnReLUNEON(dst, y *float32, p *Norm, n int)

//go:noescape
func bnGradNEON(dst, da, y *float32, p *Norm, n int)

//go:noescape
func bnReLUPoolNEON(dst, y0, y1 *float32, p *Norm, n int)

//go:noescape
func bnReLUUnpoolNEON(dst0, dst1, dp, y0, y1 *float32, p *Norm, n int)

//go:noescape
func sumNEON(acc *Sum16, x *float32, n int)

//go:noescape
func biasStatsNEON(dst, src, bias *float32, acc *Moments, n int)

//go:noescape
func gradStatsNEON(acc *Moments, da, y *float32, p *Norm, n int)

//go:noescape
func sqrtNEON(dst, x *float32, n int)

//go:noescape
func addVVNEON(dst, x, y *float32, n int)

//go:noescape
func addVSNEON(dst, x, y *float32, n int)

//go:noescape
func addSVNEON(dst, x, y *float32, n int)

//go:noescape
func subVVNEON(dst, x, y *float32, n int)

//go:noescape
func subVSNEON(dst, x, y *float32, n int)

//go:noescape
func subSVNEON(dst, x, y *float32, n int)

//go:noescape
func mulVVNEON(dst, x, y *float32, n int)

//go:noescape
func mulVSNEON(dst, x, y *float32, n int)

//go:noescape
func mulSVNEON(dst, x, y *float32, n int)

//go:noescape
func divVVNEON(dst, x, y *float32, n int)

//go:noescape
func divVSNEON(dst, x, y *float32, n int)

//go:noescape
func divSVNEON(dst, x, y *float32, n int)

var tileNEON = [tileKinds]tileFunc{tileInNEON, tileOutNEON, tileGradNEON}

//go:noescape
func tileInNEON(dst *float32, dstStride int, src *float32, srcStride int, n int)

//go:noescape
func tileOutNEON(dst *float32, dstStride int, src *float32, srcStride int, n int)

//go:noescape
func tileGradNEON(dst *float32, dstStride int, src *float32, srcStride int, n int)

//go:noescape
func product6x1NEON(t *block)

//go:noescape
func colMomentsNEON(acc *Moments, x *float32, stride, rows, n int)

//go:noescape
func colGradsNEON(acc *Moments, dz, y *float32, p *ColumnNorm, stride, rows, n int)

//go:noescape
func colNormNEON(dst, y *float32, p *ColumnNorm, stride, rows, n int)

//go:noescape
func colNormGradNEON(dst, dz, y *float32, p *ColumnNorm, stride, rows, n int)

var columnsNEON = &columnFuncs{colMomentsNEON, colGradsNEON, colNormNEON, colNormGradNEON}

//go:noescape
func maxVVNEON(dst, x, y *float32, n int)

//go:noescape
func maxVSNEON(dst, x, y *float32, n int)

//go:noescape
func maxSVNEON(dst, x, y *float32, n int)

//go:noescape
func minVVNEON(dst, x, y *float32, n int)

//go:noescape
func minVSNEON(dst, x, y *float32, n int)

//go:noescape
func minSVNEON(dst, x, y *float32, n int)

//go:noescape
func signNEON(dst, x *float32, n int)

//go:noescape
func expNEON(dst, x *float32, n int)

//go:noescape
func logisticNEON(dst, x *float32, n int)

//go:noescape
func tanhNEON(dst, x *float32, n int)

var unaryNEON = [unaryCount]unaryFunc{expNEON, logisticNEON, tanhNEON, logNEON, sinNEON, cosNEON, sqrtNEON, signNEON, absNEON, negNEON, fromUint32NEON}

//go:noescape
func depthwiseNEON(t *deep)

//go:noescape
func depthwiseGradNEON(t *deep)

//go:noescape
func scatterMaxNEON(t *scattering)

//go:noescape
func logNEON(dst, x *float32, n int)

//go:noescape
func sinNEON(dst, x *float32, n int)

//go:noescape
func cosNEON(dst, x *float32, n int)

//go:noescape
func absNEON(dst, x *float32, n int)

//go:noescape
func negNEON(dst, x *float32, n int)

//go:noescape
func fromUint32NEON(dst, x *float32, n int)
