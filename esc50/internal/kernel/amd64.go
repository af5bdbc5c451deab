//go:build amd64

package kernel

import "golang.org/x/sys/cpu"

// available lists what this machine can run, the widest last.
func available() []Level {
	switch {
	case cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512DQ && cpu.X86.HasFMA:
		return []Level{Generic, AVX2, AVX512}
	case cpu.X86.HasAVX2 && cpu.X86.HasFMA:
		return []Level{Generic, AVX2}
	}
	return []Level{Generic}
}

var (
	binaryAVX512 = [opCount][3]binaryFunc{
		{addVVAVX512, addVSAVX512, addSVAVX512}, {subVVAVX512, subVSAVX512, subSVAVX512},
		{mulVVAVX512, mulVSAVX512, mulSVAVX512}, {divVVAVX512, divVSAVX512, divSVAVX512},
		{maxVVAVX512, maxVSAVX512, maxSVAVX512}, {minVVAVX512, minVSAVX512, minSVAVX512},
	}
	binaryAVX2 = [opCount][3]binaryFunc{
		{addVVAVX2, addVSAVX2, addSVAVX2}, {subVVAVX2, subVSAVX2, subSVAVX2},
		{mulVVAVX2, mulVSAVX2, mulSVAVX2}, {divVVAVX2, divVSAVX2, divSVAVX2},
		{maxVVAVX2, maxVSAVX2, maxSVAVX2}, {minVVAVX2, minVSAVX2, minSVAVX2},
	}
)

//go:noescape
func convAVX512(out *float32, stride int, in *float32, off *int64, n int, w *float32, tiles int)

//go:noescape
func dwAVX512(out, dy *float32, stride int, in *float32, off *int64, groups, n int)

//go:noescape
func bnReLUAVX512(dst, y *float32, p *Norm, n int)

//go:noescape
func bnGradAVX512(dst, da, y *float32, p *Norm, n int)

//go:noescape
func bnReLUPoolAVX512(dst, y0, y1 *float32, p *Norm, n int)

//go:noescape
func bnReLUUnpoolAVX512(dst0, dst1, dp, y0, y1 *float32, p *Norm, n int)

//go:noescape
func sumAVX512(acc *Sum16, x *float32, n int)

//go:noescape
func biasStatsAVX512(dst, src, bias *float32, acc *Moments, n int)

//go:noescape
func gradStatsAVX512(acc *Moments, da, y *float32, p *Norm, n int)

//go:noescape
func sqrtAVX512(dst, x *float32, n int)

//go:noescape
func addVVAVX512(dst, x, y *float32, n int)

//go:noescape
func addVSAVX512(dst, x, y *float32, n int)

//go:noescape
func addSVAVX512(dst, x, y *float32, n int)

//go:noescape
func subVVAVX512(dst, x, y *float32, n int)

//go:noescape
func subVSAVX512(dst, x, y *float32, n int)

//go:noescape
func subSVAVX512(dst, x, y *float32, n int)

//go:noescape
func mulVVAVX512(dst, x, y *float32, n int)

//go:noescape
func mulVSAVX512(dst, x, y *float32, n int)

//go:noescape
func mulSVAVX512(dst, x, y *float32, n int)

//go:noescape
func divVVAVX512(dst, x, y *float32, n int)

//go:noescape
func divVSAVX512(dst, x, y *float32, n int)

//go:noescape
func divSVAVX512(dst, x, y *float32, n int)

//go:noescape
func convAVX2(out *float32, stride int, in *float32, off *int64, n int, w *float32, tiles int)

//go:noescape
func dwAVX2(out, dy *float32, stride int, in *float32, off *int64, groups, n int)

//go:noescape
func bnReLUAVX2(dst, y *float32, p *Norm, n int)

//go:noescape
func bnGradAVX2(dst, da, y *float32, p *Norm, n int)

//go:noescape
func bnReLUPoolAVX2(dst, y0, y1 *float32, p *Norm, n int)

//go:noescape
func bnReLUUnpoolAVX2(dst0, dst1, dp, y0, y1 *float32, p *Norm, n int)

//go:noescape
func sumAVX2(acc *Sum16, x *float32, n int)

//go:noescape
func biasStatsAVX2(dst, src, bias *float32, acc *Moments, n int)

//go:noescape
func gradStatsAVX2(acc *Moments, da, y *float32, p *Norm, n int)

//go:noescape
func sqrtAVX2(dst, x *float32, n int)

//go:noescape
func addVVAVX2(dst, x, y *float32, n int)

//go:noescape
func addVSAVX2(dst, x, y *float32, n int)

//go:noescape
func addSVAVX2(dst, x, y *float32, n int)

//go:noescape
func subVVAVX2(dst, x, y *float32, n int)

//go:noescape
func subVSAVX2(dst, x, y *float32, n int)

//go:noescape
func subSVAVX2(dst, x, y *float32, n int)

//go:noescape
func mulVVAVX2(dst, x, y *float32, n int)

//go:noescape
func mulVSAVX2(dst, x, y *float32, n int)

//go:noescape
func mulSVAVX2(dst, x, y *float32, n int)

//go:noescape
func divVVAVX2(dst, x, y *float32, n int)

//go:noescape
func divVSAVX2(dst, x, y *float32, n int)

//go:noescape
func divSVAVX2(dst, x, y *float32, n int)

var tileAVX512 = [tileKinds]tileFunc{tileInAVX512, tileOutAVX512, tileGradAVX512}

//go:noescape
func tileInAVX512(dst *float32, dstStride int, src *float32, srcStride int, n int)

//go:noescape
func tileOutAVX512(dst *float32, dstStride int, src *float32, srcStride int, n int)

//go:noescape
func tileGradAVX512(dst *float32, dstStride int, src *float32, srcStride int, n int)

var tileAVX2 = [tileKinds]tileFunc{tileInAVX2, tileOutAVX2, tileGradAVX2}

//go:noescape
func tileInAVX2(dst *float32, dstStride int, src *float32, srcStride int, n int)

//go:noescape
func tileOutAVX2(dst *float32, dstStride int, src *float32, srcStride int, n int)

//go:noescape
func tileGradAVX2(dst *float32, dstStride int, src *float32, srcStride int, n int)

//go:noescape
func product8x3AVX512(t *block)

//go:noescape
func product8x2AVX512(t *block)

//go:noescape
func product8x1AVX512(t *block)

//go:noescape
func product6x4AVX512(t *block)

//go:noescape
func product6x2AVX512(t *block)

//go:noescape
func product6x1AVX512(t *block)

//go:noescape
func product4x4AVX512(t *block)

//go:noescape
func product4x2AVX512(t *block)

//go:noescape
func product4x1AVX512(t *block)

//go:noescape
func product2x4AVX512(t *block)

//go:noescape
func product2x1AVX512(t *block)

//go:noescape
func product1x4AVX512(t *block)

//go:noescape
func product1x1AVX512(t *block)

//go:noescape
func product6x1AVX2(t *block)

//go:noescape
func product4x1AVX2(t *block)

//go:noescape
func product2x2AVX2(t *block)

//go:noescape
func product2x1AVX2(t *block)

//go:noescape
func product1x2AVX2(t *block)

//go:noescape
func product1x1AVX2(t *block)

//go:noescape
func colMomentsAVX512(acc *Moments, x *float32, stride, rows, n int)

//go:noescape
func colGradsAVX512(acc *Moments, dz, y *float32, p *ColumnNorm, stride, rows, n int)

//go:noescape
func colNormAVX512(dst, y *float32, p *ColumnNorm, stride, rows, n int)

//go:noescape
func colNormGradAVX512(dst, dz, y *float32, p *ColumnNorm, stride, rows, n int)

//go:noescape
func colMomentsAVX2(acc *Moments, x *float32, stride, rows, n int)

//go:noescape
func colGradsAVX2(acc *Moments, dz, y *float32, p *ColumnNorm, stride, rows, n int)

//go:noescape
func colNormAVX2(dst, y *float32, p *ColumnNorm, stride, rows, n int)

//go:noescape
func colNormGradAVX2(dst, dz, y *float32, p *ColumnNorm, stride, rows, n int)

var columnsAVX512 = &columnFuncs{colMomentsAVX512, colGradsAVX512, colNormAVX512, colNormGradAVX512}

var columnsAVX2 = &columnFuncs{colMomentsAVX2, colGradsAVX2, colNormAVX2, colNormGradAVX2}

//go:noescape
func maxVVAVX512(dst, x, y *float32, n int)

//go:noescape
func maxVSAVX512(dst, x, y *float32, n int)

//go:noescape
func maxSVAVX512(dst, x, y *float32, n int)

//go:noescape
func minVVAVX512(dst, x, y *float32, n int)

//go:noescape
func minVSAVX512(dst, x, y *float32, n int)

//go:noescape
func minSVAVX512(dst, x, y *float32, n int)

//go:noescape
func signAVX512(dst, x *float32, n int)

//go:noescape
func maxVVAVX2(dst, x, y *float32, n int)

//go:noescape
func maxVSAVX2(dst, x, y *float32, n int)

//go:noescape
func maxSVAVX2(dst, x, y *float32, n int)

//go:noescape
func minVVAVX2(dst, x, y *float32, n int)

//go:noescape
func minVSAVX2(dst, x, y *float32, n int)

//go:noescape
func minSVAVX2(dst, x, y *float32, n int)

//go:noescape
func signAVX2(dst, x *float32, n int)

//go:noescape
func expAVX512(dst, x *float32, n int)

//go:noescape
func logisticAVX512(dst, x *float32, n int)

//go:noescape
func tanhAVX512(dst, x *float32, n int)

var unaryAVX512 = [unaryCount]unaryFunc{expAVX512, logisticAVX512, tanhAVX512, logAVX512, sinAVX512, cosAVX512, sqrtAVX512, signAVX512, absAVX512, negAVX512, fromUint32AVX512}

//go:noescape
func expAVX2(dst, x *float32, n int)

//go:noescape
func logisticAVX2(dst, x *float32, n int)

//go:noescape
func tanhAVX2(dst, x *float32, n int)

var unaryAVX2 = [unaryCount]unaryFunc{expAVX2, logisticAVX2, tanhAVX2, logAVX2, sinAVX2, cosAVX2, sqrtAVX2, signAVX2, absAVX2, negAVX2, fromUint32AVX2}

//go:noescape
func depthwiseAVX512(t *deep)

//go:noescape
func depthwiseGradAVX512(t *deep)

//go:noescape
func depthwiseAVX2(t *deep)

//go:noescape
func depthwiseGradAVX2(t *deep)

//go:noescape
func scatterMaxAVX512(t *scattering)

//go:noescape
func scatterMaxAVX2(t *scattering)

//go:noescape
func logAVX512(dst, x *float32, n int)

//go:noescape
func logAVX2(dst, x *float32, n int)

//go:noescape
func sinAVX512(dst, x *float32, n int)

//go:noescape
func cosAVX512(dst, x *float32, n int)

//go:noescape
func sinAVX2(dst, x *float32, n int)

//go:noescape
func cosAVX2(dst, x *float32, n int)

//go:noescape
func absAVX512(dst, x *float32, n int)

//go:noescape
func negAVX512(dst, x *float32, n int)

//go:noescape
func absAVX2(dst, x *float32, n int)

//go:noescape
func negAVX2(dst, x *float32, n int)

//go:noescape
func fromUint32AVX512(dst, x *float32, n int)

//go:noescape
func fromUint32AVX2(dst, x *float32, n int)

//go:noescape
func turnAVX2(dst, src *float32, columns *int64, n int)

//go:noescape
func packAVX512(dst *float32, apart int, src *float32, depth *int64, n int)

//go:noescape
func packAVX2(dst *float32, apart int, src *float32, depth *int64, n int)
