//go:build amd64

#include "textflag.h"

DATA one<>+0(SB)/8, $1.0
DATA one<>+8(SB)/8, $1.0
DATA one<>+16(SB)/8, $1.0
DATA one<>+24(SB)/8, $1.0
GLOBL one<>(SB), RODATA|NOPTR, $32

// 2^-15, in float32
DATA pcm<>+0(SB)/4, $0x38000000
GLOBL pcm<>(SB), RODATA|NOPTR, $4

// func pcm16AVX2(dst *float32, src *byte, n int)
// n is a multiple of 8.
TEXT ·pcm16AVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS pcm<>(SB), Y1

pcmLoop:
	CMPQ CX, $8
	JLT  pcmDone
	VPMOVSXWD (SI), Y0
	VCVTDQ2PS Y0, Y0
	VMULPS    Y1, Y0, Y0
	VMOVUPS   Y0, (DI)
	ADDQ $16, SI
	ADDQ $32, DI
	SUBQ $8, CX
	JMP  pcmLoop

pcmDone:
	VZEROUPPER
	RET

// func widenAVX2(dst *float64, src *float32, n int)
// n is a multiple of 4.
TEXT ·widenAVX2(SB), NOSPLIT, $0-24
	MOVQ dst+0(FP), DI
	MOVQ src+8(FP), SI
	MOVQ n+16(FP), CX

widenLoop:
	CMPQ CX, $4
	JLT  widenDone
	VCVTPS2PD (SI), Y0
	VMOVUPD   Y0, (DI)
	ADDQ $16, SI
	ADDQ $32, DI
	SUBQ $4, CX
	JMP  widenLoop

widenDone:
	VZEROUPPER
	RET

// func dot8AVX2(out *[8]float32, taps *float64, n int, x *float64, stride int)
// out[k] is the dot product of taps[:n] and x[k*stride:]; n is a multiple of 4.
TEXT ·dot8AVX2(SB), NOSPLIT, $0-40
	MOVQ taps+8(FP), SI
	MOVQ n+16(FP), CX
	MOVQ x+24(FP), R8
	MOVQ stride+32(FP), DX
	SHLQ $3, DX
	SHLQ $3, CX
	LEAQ (R8)(DX*1), R9
	LEAQ (R8)(DX*2), R10
	LEAQ (R9)(DX*2), R11
	LEAQ (R10)(DX*2), R12
	LEAQ (R11)(DX*2), R13
	LEAQ (R12)(DX*2), AX
	LEAQ (R13)(DX*2), BX
	VXORPD Y0, Y0, Y0
	VXORPD Y1, Y1, Y1
	VXORPD Y2, Y2, Y2
	VXORPD Y3, Y3, Y3
	VXORPD Y4, Y4, Y4
	VXORPD Y5, Y5, Y5
	VXORPD Y6, Y6, Y6
	VXORPD Y7, Y7, Y7
	XORQ DX, DX

dotLoop:
	VMOVUPD (SI)(DX*1), Y8
	VFMADD231PD (R8)(DX*1), Y8, Y0
	VFMADD231PD (R9)(DX*1), Y8, Y1
	VFMADD231PD (R10)(DX*1), Y8, Y2
	VFMADD231PD (R11)(DX*1), Y8, Y3
	VFMADD231PD (R12)(DX*1), Y8, Y4
	VFMADD231PD (R13)(DX*1), Y8, Y5
	VFMADD231PD (AX)(DX*1), Y8, Y6
	VFMADD231PD (BX)(DX*1), Y8, Y7
	ADDQ $32, DX
	CMPQ DX, CX
	JLT  dotLoop

	// (s0+s2) + (s1+s3) of each
	MOVQ out+0(FP), DI
	VEXTRACTF128 $1, Y0, X8
	VEXTRACTF128 $1, Y1, X9
	VADDPD  X8, X0, X0
	VADDPD  X9, X1, X1
	VHADDPD X1, X0, X0
	VCVTPD2PSX X0, X0
	VMOVLPS X0, (DI)
	VEXTRACTF128 $1, Y2, X8
	VEXTRACTF128 $1, Y3, X9
	VADDPD  X8, X2, X2
	VADDPD  X9, X3, X3
	VHADDPD X3, X2, X2
	VCVTPD2PSX X2, X2
	VMOVLPS X2, 8(DI)
	VEXTRACTF128 $1, Y4, X8
	VEXTRACTF128 $1, Y5, X9
	VADDPD  X8, X4, X4
	VADDPD  X9, X5, X5
	VHADDPD X5, X4, X4
	VCVTPD2PSX X4, X4
	VMOVLPS X4, 16(DI)
	VEXTRACTF128 $1, Y6, X8
	VEXTRACTF128 $1, Y7, X9
	VADDPD  X8, X6, X6
	VADDPD  X9, X7, X7
	VHADDPD X7, X6, X6
	VCVTPD2PSX X6, X6
	VMOVLPS X6, 24(DI)
	VZEROUPPER
	RET

// func bankAVX2(dst *float32, stride int, power *float32, weights *float64, bands *Band, n int)
TEXT ·bankAVX2(SB), NOSPLIT, $0-48
	MOVQ dst+0(FP), DI
	MOVQ stride+8(FP), DX
	MOVQ power+16(FP), SI
	MOVQ weights+24(FP), R8
	MOVQ bands+32(FP), R9
	MOVQ n+40(FP), CX
	SHLQ $2, DX

bankBand:
	VXORPD Y0, Y0, Y0
	MOVLQSX (R9), R10
	MOVLQSX 4(R9), R11
	SHLQ $4, R10
	ADDQ SI, R10
	TESTQ R11, R11
	JZ   bankStore

bankLoop:
	VCVTPS2PD (R10), Y1
	VBROADCASTSD (R8), Y2
	VFMADD231PD Y2, Y1, Y0
	ADDQ $16, R10
	ADDQ $8, R8
	DECQ R11
	JNZ  bankLoop

bankStore:
	VCVTPD2PSY Y0, X0
	VMOVUPS X0, (DI)
	ADDQ DX, DI
	ADDQ $8, R9
	DECQ CX
	JNZ  bankBand
	VZEROUPPER
	RET

// func decibelsAVX2(x *float32, n int, c *[10]float64)
// n is a multiple of 4. c is the polynomial's coefficients, highest first, then
// 10 log10 2, and as float32 and int32 the smallest power and the bits of
// sqrt(1/2).
TEXT ·decibelsAVX2(SB), NOSPLIT, $0-24
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ c+16(FP), DX
	VBROADCASTSD 0(DX), Y8
	VBROADCASTSD 8(DX), Y9
	VBROADCASTSD 16(DX), Y10
	VBROADCASTSD 24(DX), Y11
	VBROADCASTSD 32(DX), Y12
	VBROADCASTSD 40(DX), Y13
	VBROADCASTSD 48(DX), Y14
	VBROADCASTSD 56(DX), Y15
	VBROADCASTSS 64(DX), X7
	VPBROADCASTD 68(DX), X6
	VMOVUPD one<>(SB), Y5

dbLoop:
	VMOVUPS (SI), X0
	VMAXPS  X7, X0, X0
	VPSUBD  X6, X0, X1
	VPSRAD  $23, X1, X1
	VPSLLD  $23, X1, X2
	VPSUBD  X2, X0, X0
	VCVTDQ2PD X1, Y1     // e
	VCVTPS2PD X0, Y0     // m
	VSUBPD Y5, Y0, Y2
	VADDPD Y5, Y0, Y0
	VDIVPD Y0, Y2, Y2    // s
	VMULPD Y2, Y2, Y3    // s²
	VMULPD Y3, Y8, Y0
	VADDPD Y0, Y9, Y0
	VMULPD Y3, Y0, Y0
	VADDPD Y0, Y10, Y0
	VMULPD Y3, Y0, Y0
	VADDPD Y0, Y11, Y0
	VMULPD Y3, Y0, Y0
	VADDPD Y0, Y12, Y0
	VMULPD Y3, Y0, Y0
	VADDPD Y0, Y13, Y0
	VMULPD Y3, Y0, Y0
	VADDPD Y0, Y14, Y0
	VMULPD Y2, Y0, Y0
	VMULPD Y15, Y1, Y1
	VADDPD Y0, Y1, Y0
	VCVTPD2PSY Y0, X0
	VMOVUPS X0, (SI)
	ADDQ $16, SI
	SUBQ $4, CX
	JNZ  dbLoop
	VZEROUPPER
	RET
