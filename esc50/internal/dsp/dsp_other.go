//go:build !amd64

package dsp

// vector is false where there is no assembler; the functions are never called.
var vector = false

func pcm16AVX2(*float32, *byte, int)                                     {}
func widenAVX2(*float64, *float32, int)                                  {}
func dot8AVX2(*[8]float32, *float64, int, *float64, int)                 {}
func loadAVX2(_, _ *float64, _ *float32, _ int, _ *float64, _ int)       {}
func radix2AVX2(_, _, _, _, _ *float64, _, _ int)                        {}
func radix4AVX2(_, _, _, _, _ *float64, _, _ int)                        {}
func radix5AVX2(_, _, _, _, _ *float64, _, _ int)                        {}
func unpackAVX2(_ *float32, _, _, _ *float64, _ int)                     {}
func bankAVX2(_ *float32, _ int, _ *float32, _ *float64, _ *Band, _ int) {}
func decibelsAVX2(_ *float32, _ int, _ *decibelConst)                    {}
