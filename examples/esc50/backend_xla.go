//go:build xla

package main

import (
	"github.com/gomlx/compute"
	_ "github.com/gomlx/go-xla/compute/xla"
)

// newBackend returns GoMLX's XLA backend: on the GPU or the CPU, as $GOMLX_BACKEND
// says ("xla:cuda", "xla:cpu"), the fastest there is otherwise. It wants cgo and
// one of XLA's PJRT plugins, and installs the latter where it can.
//
// The model is the same graph, and its results should agree to rounding. They are
// not the same bits: XLA fuses and reorders sums as suits the device, so that a
// rerun need not repeat, and pinned figures do not hold.
func newBackend() (compute.Backend, error) { return compute.New() }
