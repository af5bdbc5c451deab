// Package cpu is a GoMLX compute backend for CPUs: complete, without cgo, and the
// same to the bit everywhere. A GoMLX program adopts it with one import, which
// registers it as "reprodl", and by its name:
//
//	import _ "github.com/reprodl/reprodl/esc50/cpu"
//
//	backend, err := compute.NewWithConfig("reprodl") // or cpu.Default()
//
// or without a change, if it asks for compute.New, by GOMLX_BACKEND=reprodl.
// examples/digits is such a program. Nothing else in it changes: graphs, layers,
// optimizers, checkpoints and gradients are GoMLX's.
//
// # What is guaranteed
//
//   - Results are the same to the bit on every machine, whatever its number of
//     cores, vector registers and architecture: see "The same bits" below.
//   - All operations of GoMLX on one device are there but those of dynamic shapes
//     and the optional fused ones, which GoMLX then writes out itself: control
//     flow, functions and closures, sorting, FFT, gathers and scatters,
//     convolutions of any kind.
//     [Backend.Capabilities] lists them, and no more than work.
//   - All types: bool, integers of 1, 2, 4 (packed), 8, 16, 32 and 64 bits,
//     Float16 and BFloat16 (stored; computed with in float32), float32, float64,
//     complex64 and complex128. Not the 8 and 4 bit floats, which have no Go type.
//   - What an operation cannot do is an error when the graph is built, which names
//     operation, type and reason and wraps compute.ErrNotImplemented.
//   - It needs neither cgo nor GOEXPERIMENT, and is safe for concurrent use.
//
// TestGoMLX runs GoMLX 0.28.2's own tests on this backend and on GoMLX's Go
// backend and prints a table (REPRODL_GOMLX_TESTS=1). Those that fail are in
// testdata/gomlx.txt, each with its reason. TestAgainstGo
// compares operations on drawn shapes and types with GoMLX's Go backend, and the
// compliance suite of package compute runs with all its types.
//
// # Other backends
//
// Models of this module are ordinary graphs and train on any backend that is
// passed to them. examples/esc50 built with -tags xla (which wants cgo and one of
// XLA's PJRT plugins) trains on GoMLX's XLA backend, GPUs included. What differs
// are the bits: XLA fuses and reorders sums as suits the device, so that losses
// agree with those here to rounding only, and a rerun need not repeat them.
//
// # How it works
//
// A graph is compiled to a list of steps (compile.go). Most operations are a
// step each, over plain Go slices, spread over GOMAXPROCS goroutines; memory of
// dead values is reused for new ones of the same size. The rest is for
// convolutions of stride one on [batch, channels, height, width]:
//
//   - Direct convolution, no im2col (convfast.go): a task copies a strip of rows
//     of all input channels, with padding, to scratch that fits the second-level
//     cache, where a tap of the window is one offset for all outputs of the
//     strip. The kernel computes eight output channels by 48 pixels in
//     registers. The gradient by the input is the same with turned weights.
//   - Windows of three rows over eight or more channels take half of the
//     multiplications, by Winograd's minimal filtering F(4,3) down the columns
//     (winograd.go): four rows of output come from six linear combinations of
//     six rows of input, each convolved along the row by the same kernel. The
//     same goes for both gradients, with the transformations transposed.
//   - The gradient by the weights (weights.go) is inner products of rows of the
//     gradient with shifted rows of the input, four by six at a time. Both
//     gradients come from one pass over the gradient of the output (both.go).
//   - Batch normalisation, ReLU, max-pooling 2x2 and their gradients are recipes
//     (rows.go): they are computed row by row, by one kernel each, when a
//     convolution copies its strip, and never lie in memory. The sums for a
//     normalisation are made as the convolution before it stores its rows.
//
// fuse.go finds these patterns in the graph as GoMLX makes it: a ReLU is fused
// when it is written where(z <= 0, 0, z), as AudioNet's, since the gradient of
// max(z, 0) differs at zero. Everything else goes by a few general ways:
//
//   - Products of matrices (product.go) pack the right operand in panels of
//     sixteen columns, once for all products that read it in the same order, and
//     take six rows by so many panels in registers. The left operand is not
//     packed: an element's place is the sum of a row's and a depth's.
//   - That covers convolutions in any other layout, as GoMLX's own with channels
//     last, with strides, dilation and groups (convwindows.go, convproduct.go):
//     a row is the place of a window, a depth a tap and channel of it. A task
//     stages a strip of images with zeros around; there is no im2col, and the
//     graph's layout does not change. The gradient of weights (convgrad.go) is
//     the same product with rows and depths exchanged, and that of a convolution
//     with strides is cut in phases, each with the taps that it meets.
//   - Batch normalisation of the last axis, sums over leading axes, and pooling
//     with channels last work on sixteen channels at a time, down the rows.
//   - Sums of products of equal shapes, as the gradient of a recurrent network's
//     weights, are one product with their depths in a row (productsum.go).
//   - Convolutions of every channel by itself, and both gradients, take sixteen
//     channels through a window's places (depthwise.go): GoMLX writes the
//     gradients as one convolution a channel, which are recognised.
//   - Operations element by element wait until somebody needs a result, and run
//     together with those that led to it, 1,024 elements at a time (chain.go):
//     a step of Adam reads four tensors and writes three.
//   - The gradient of slices is added where it belongs, without the zeros
//     around (padsum.go).
//
// # The same bits
//
// Results do not depend on GOMAXPROCS, on the number of workers, on the
// processor's vector registers, on GOAMD64, or on the architecture:
//
//   - Work is cut by shape alone, never by the number of workers.
//   - An element of a convolution or product is one chain of fused
//     multiply-adds, sixteen chains added in a fixed tree (of products of at
//     most 65,536 multiplications), or a fixed combination of six such; which of
//     them, the shape says. Fused multiply-add is exact in portable Go too.
//   - Sums over a tensor are in double precision in sixteen lanes, added in a
//     fixed tree.
//   - Elsewhere products are rounded before they are added, explicitly, since
//     Go may fuse them on some architectures; exp and log are this module's own.
//
// Tests pin the SHA-256 of the state after some steps of training AudioNet, an
// MLP, a CNN with BatchNorm, an LSTM and a transformer, for every kind of
// kernel, several numbers of workers, and arm64 in an emulator.
// REPRODL_CPU=generic, avx2, avx512 or neon forces a kind.
//
// # Figures
//
// AudioNet with 32 base filters, a batch of eight clips [8, 1, 128, 201], two
// threads each, in turns, on an AMD EPYC with AVX-512 that was not quiet: the
// fastest training step (forward, backward, Adam) took 0.175 s where PyTorch
// 2.15 took 0.302, and the fastest inference 0.054 s against 0.082. With AVX2
// forced they were 0.185 s against 0.299 and 0.054 s against 0.084. The peak of
// training and inference together was 386 MB. BenchmarkAgainstPyTorch measures
// the ratio on yours.
//
// BenchmarkNetsAgainstPyTorch does so for eight ordinary networks of GoMLX's own
// layers, the same as torch_nets.py's. The fastest step of one run of each, in
// milliseconds of processor time with one thread, AVX2 on both sides, on the
// same EPYC, while others used its two cores:
//
//	network      shape                                      here  PyTorch  ratio
//	mlp          784-128-64-10, batch 64                    0.68     0.91   0.75
//	cnn          28x28x1, conv 16 and 32, batch 64          13.3     17.0   0.78
//	cnn-bn       the same with BatchNorm                    14.0     18.9   0.74
//	cifar-bn     32x32x3, six convs of 32 to 128, batch 64   211      242   0.87
//	resnet18     64x64x3, batch 16                           277      250   1.11
//	lstm         50 steps of 64, 256 units, batch 32        52.6     41.4   1.27
//	depthwise    32x32x32, depthwise and pointwise, batch 64 18.7    25.9   0.72
//	transformer  4 layers, d 256, 128 positions, batch 8     328      285   1.15
//
//	REPRODL_CPU=avx2 ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 MKL_ENABLE_INSTRUCTIONS=AVX2 \
//	REPRODL_TORCH_PYTHON=python REPRODL_THREADS=1 REPRODL_CLOCK=process_time \
//	go test ./esc50/cpu -run xxx -bench NetsAgainstPyTorch -benchtime 1x
//
// Such a machine moves ratios by a tenth and more from run to run. Peaks of
// memory were 4 to 70 % of PyTorch's.
//
// What limits them: the inner loop of products reaches the peak of a Zen 3 core
// with AVX2 (40e9 fused multiply-adds a second of 39 at its nominal clock), and
// the LSTM, the ResNet and the transformer spend half of their time and more in
// it. A step of the LSTM has 1.5e9 of them, which is 37 ms at that rate; its
// products have 32 rows, of which the last two of every panel take a whole tile
// of six. Attention stores its softmax, as GoMLX's gradient reads it. exp, logistic
// and tanh take about 3 ns an element with AVX2 and 1.3 with AVX-512, being in
// double precision.
//
// A first call is a step and the drawing of the initial weights, whose cosines
// are computed one by one (1.0 s for the ResNet, 0.7 or less for the transformer,
// 0.3 or less for the others); compiling takes little of it.
//
// The kernels for NEON (arm64) have been checked for their bits, in an emulator
// alone. They have not been timed: no figure here is about arm64.
package cpu
