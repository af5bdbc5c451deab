package dsp

import (
	"os"

	"golang.org/x/sys/cpu"
)

// vector tells to use the assembler; REPRODL_CPU=generic turns it off (as for esc50/cpu), to test
// that the results are the same.
var vector = cpu.X86.HasAVX2 && cpu.X86.HasFMA && os.Getenv("REPRODL_CPU") != "generic"

//go:noescape
func pcm16AVX2(dst *float32, src *byte, n int)

//go:noescape
func widenAVX2(dst *float64, src *float32, n int)

//go:noescape
func dot8AVX2(out *[8]float32, taps *float64, n int, x *float64, stride int)

//go:noescape
func loadAVX2(re, im *float64, x *float32, hop int, window *float64, n int)

//go:noescape
func radix2AVX2(yRe, yIm, xRe, xIm, w *float64, m, s int)

//go:noescape
func radix4AVX2(yRe, yIm, xRe, xIm, w *float64, m, s int)

//go:noescape
func radix5AVX2(yRe, yIm, xRe, xIm, w *float64, m, s int)

//go:noescape
func unpackAVX2(dst *float32, re, im, u *float64, h int)

//go:noescape
func bankAVX2(dst *float32, stride int, power *float32, weights *float64, bands *Band, n int)

//go:noescape
func decibelsAVX2(x *float32, n int, c *decibelConst)
