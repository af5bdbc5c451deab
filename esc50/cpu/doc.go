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
//     In inference, which knows the parameters before, they are done as the
//     convolution stores its rows instead (folded.go).
//
// fuse.go finds these patterns in the graph as GoMLX makes it: a ReLU is fused
// when it is written where(z <= 0, 0, z), as AudioNet's, since the gradient of
// max(z, 0) differs at zero. Everything else goes by a few general ways:
//
//   - Products of matrices (product.go) pack the right operand in panels of
//     sixteen columns, once for all products that read it in the same order, and
//     take six rows by so many panels in registers. The left operand is not
//     packed: an element's place is the sum of a row's and a depth's. So
//     they read and write through transpositions (transposed.go): the heads of
//     attention are multiplied where they lie.
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
//     a step of Adam
//     reads four tensors and writes three, as soon as its gradient is there and
//     over what nobody reads any more. Slices of long rows
//     are read where they lie (cut.go).
//     Operands of other types are converted as they are read, and random bits
//     drawn there: the generator skips ahead to a block's place (pcg.go).
//   - The gradient of slices is added where it belongs, without the zeros
//     around (padsum.go). Chains that compute slices apart write them there.
//   - Chains and reductions of the last axes that follow one another run together,
//     some rows at a time: the steps of a softmax or of a layer's normalisation
//     (together.go). The gradient of a bias is summed as that of its layer's output
//     is packed (packsum.go).
//
// # The same bits
//
// Results do not depend on GOMAXPROCS, on the number of workers, on the
// processor's vector registers, on GOAMD64, or on the architecture:
//
//   - Whatever an element depends on is cut by shape alone, never by the number of
//     workers.
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
// threads each, in turns, the fastest of each, on a Xeon with AVX-512 of two cores
// against PyTorch 2.15: a training step (forward, backward, Adam) took 0.151 s
// where PyTorch took 0.274, and inference 0.037 s against 0.065; with AVX2 forced on
// both sides the ratios were 0.49 and 0.57. On an EPYC of two Zen 5 cores and against
// PyTorch 2.11, before workers kept to their shares, they were 0.47 and 0.59. The
// peak of training and inference together is 324 MB. BenchmarkAgainstPyTorch measures
// the ratio on yours.
//
// What limits it: such a step has 21.4e9 multiply-adds by definition and 11.5e9
// by Winograd's filtering. 63 % of the processors' time goes to them, 46e9 a
// second and core, which is the peak (16 a cycle, at 2.9 GHz): they can become
// fewer, not faster. The other 37 % move rows through the caches: normalisation,
// ReLU, pooling and their gradients 17 %, sums for the normalisation 5 %, tiles 5 %, copies
// 3 %. Filtering along the rows as well, F(4,3) by F(2,3), would save a third of the
// multiplications and about a tenth of the time; a strip's points would take
// twice the memory, which no longer fits the second-level cache.
//
// BenchmarkNetsAgainstPyTorch does so for eight ordinary networks of GoMLX's own
// layers, the same as torch_nets.py's, and for the models of GoMLX's CIFAR and Adult
// examples on data of their shape:
//
//	mlp            784-128-64-10, batch 64
//	cnn            28x28x1, conv 16 and 32, batch 64
//	cnn-bn         the same with BatchNorm
//	cifar-bn       32x32x3, six convs of 32 to 128, batch 64
//	resnet18       64x64x3, batch 16
//	lstm           50 steps of 64, 256 units, batch 32
//	depthwise      32x32x32, depthwise and pointwise, batch 64
//	transformer    4 layers, d 256, 128 positions, batch 8
//
//	REPRODL_TORCH_PYTHON=python go test ./esc50/cpu -run xxx -bench NetsAgainstPyTorch -benchtime 2x
//	with AVX2 on both sides: REPRODL_CPU=avx2 ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 MKL_ENABLE_INSTRUCTIONS=AVX2
//
// The fastest step in milliseconds, by the wall's time of two threads, on that Xeon:
//
//	network        AVX-512: here  PyTorch  ratio    AVX2: ratio
//	mlp                     0.37     0.85   0.44           0.52
//	cnn                     3.86     7.88   0.49           0.41
//	cnn-bn                  4.64     9.52   0.49           0.47
//	cifar-bn                73.6     90.1   0.82           0.89
//	resnet18                97.9      118   0.83           0.77
//	lstm                    14.7     14.2   1.04           0.96
//	depthwise               6.65     11.1   0.60           0.65
//	transformer              106      108   0.98           1.00
//	cifar-example           83.3      100   0.83           0.92
//	adult-example           0.55     1.69   0.33           0.30
//
// On a Xeon of 16 cores that was not quiet, eight networks at a time on cores of their
// own against PyTorch 2.11, the LSTM was at 1.25 (AVX2: 0.98) and the transformer
// between 0.92 and 1.11 (0.99 and 1.01); the others were at 0.28 to 0.84. Peaks of
// memory are 3 to 44 % of PyTorch's. Such machines move ratios by a tenth
// and more from run to run.
//
// What limits them: a tile of products does 82e9 fused multiply-adds a second on a
// core of that Xeon, of 88e9 at its peak (with AVX2 42e9 of 47e9), and the LSTM, the
// ResNet and the transformer spend 60 % of their time in it. Of a step of the LSTM these
// are 9 ms; the rest are cells (3 ms, a third of it exp and the like, the rest what is
// stored for the gradient), operands that are packed, Adam, and 0.6 ms of waiting for
// one another in 250 short steps. Attention stores its softmax, as GoMLX's gradient
// reads it. exp, logistic and tanh take 0.5 to 1.0 ns an element with AVX-512, 0.8 to
// 1.4 with AVX2, being in double precision.
//
// Of an inference, 55 % of the time are convolutions at the peak of the cores; filtering the
// eleven rows of the first three at a time gained a twentieth with AVX2 and nothing with
// AVX-512.
//
// A step of the ResNet is to two thirds convolutions and to a sixth chains, most of
// them Adam, which waits for memory. Convolutions of 64 channels on 16x16 run at
// nine tenths of the peak; those of 512 channels on 2x2 at a third of it, since they
// read weights that no cache holds, packed anew in every step.
//
// A first call is a step and the drawing of the initial weights: on the Xeon of two
// cores 6 to 27 ms for the MLP, the CNNs and adult-example, 33 to 70 for the LSTM and
// the depthwise network, 130 for cifar-bn, 145 for cifar-example, 190 for the
// transformer, and 230 for the ResNet. Of that, building the graph in GoMLX takes some 10
// and compiling it 4 to 8; 11 million normal numbers, of 4 ns each, and zeros for
// as many moments 55; the rest is a step. All of it has 60,000 page faults, which cost
// 1.5 us each and are a quarter of the processors' time: memory that the variables
// and one step need. Asking the kernel for huge pages made it 40 ms faster or 150
// slower, as the host had taken the memory back before or not, so they are not
// asked for.
//
// The kernels for NEON (arm64) have been checked for their bits, in an emulator
// alone. They have not been timed: no figure here is about arm64.
package cpu
