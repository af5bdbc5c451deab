package cpu

import (
	"fmt"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/shapes"

	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// BackendName is the name under which the backend is registered: GoMLX picks it
// with GOMLX_BACKEND=reprodl or compute.NewWithConfig("reprodl").
const BackendName = "reprodl"

func init() {
	compute.Register(BackendName, New)
}

// Backend is a [compute.Backend]. It is safe for concurrent use.
type Backend struct {
	workers   int // zero means GOMAXPROCS
	finalized atomic.Bool
	pool      pool
	crews     sync.Pool // of *crew, between runs
}

var _ compute.Backend = (*Backend)(nil)

// Default returns a backend shared by the whole process, never finalized.
var Default = sync.OnceValue(func() compute.Backend { return &Backend{} })

// New returns a backend. The configuration is empty or a comma-separated list
// of
//
//   - workers=N: at most N goroutines compute at a time (default GOMAXPROCS)
//   - level=generic|avx2|avx512|neon: the kind of kernels, for the whole process
//     (default the widest of the machine, or $REPRODL_CPU)
//
// None of these changes a result.
func New(config string) (compute.Backend, error) {
	b := new(Backend)
	for option := range strings.SplitSeq(config, ",") {
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "":
		case "workers":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("backend %s: workers=%q is not a positive number", BackendName, value)
			}
			b.workers = n
		case "level":
			level, err := kernel.ParseLevel(value)
			if err == nil {
				_, err = kernel.SetLevel(level)
			}
			if err != nil {
				return nil, fmt.Errorf("backend %s: %w", BackendName, err)
			}
		default:
			return nil, fmt.Errorf("backend %s: no option %q: want workers=N or level=NAME", BackendName, key)
		}
	}
	return b, nil
}

// Name returns [BackendName].
func (b *Backend) Name() string { return BackendName }

// String returns [BackendName].
func (b *Backend) String() string { return BackendName }

// Description says what the backend computes with.
func (b *Backend) Description() string {
	return fmt.Sprintf("reproducible CPU backend (%v kernels)", kernel.Current())
}

// NumDevices is one.
func (b *Backend) NumDevices() int { return 1 }

// DeviceDescription describes the only device, 0.
func (b *Backend) DeviceDescription(compute.DeviceNum) string {
	return fmt.Sprintf("%s/%s CPU", runtime.GOOS, runtime.GOARCH)
}

// Capabilities lists the operations and types implemented; building any other
// operation gives an error that wraps [compute.ErrNotImplemented].
func (b *Backend) Capabilities() compute.Capabilities { return capabilities.Clone() }

// Builder starts a computation.
func (b *Backend) Builder(name string) compute.Builder { return newBuilder(b, name) }

// Finalize frees the pooled memory.
func (b *Backend) Finalize() {
	b.finalized.Store(true)
	b.pool.drop()
}

// IsFinalized tells whether Finalize was called.
func (b *Backend) IsFinalized() bool { return b.finalized.Load() }

// HasSharedBuffers is true: buffers are Go slices.
func (b *Backend) HasSharedBuffers() bool { return true }

// NewSharedBuffer returns a buffer of zeros and its elements.
func (b *Backend) NewSharedBuffer(device compute.DeviceNum, shape shapes.Shape) (compute.Buffer, any, error) {
	if err := b.check(device, shape); err != nil {
		return nil, nil, err
	}
	flat := b.pool.get(shape.DType, shape.Size())
	reflect.ValueOf(flat).Clear()
	return &buffer{backend: b, shape: shape, flat: flat}, flat, nil
}

// BufferFromFlatData returns a buffer with a copy of flat.
func (b *Backend) BufferFromFlatData(device compute.DeviceNum, flat any, shape shapes.Shape) (compute.Buffer, error) {
	if err := b.check(device, shape); err != nil {
		return nil, err
	}
	to := b.pool.get(shape.DType, shape.Size())
	if err := copyFlat(to, flat); err != nil {
		return nil, err
	}
	return &buffer{backend: b, shape: shape, flat: to}, nil
}

func (b *Backend) check(device compute.DeviceNum, shape shapes.Shape) error {
	switch {
	case b.IsFinalized():
		return fmt.Errorf("backend %s: already finalized", BackendName)
	case device != 0:
		return fmt.Errorf("backend %s: no device %d: there is only 0", BackendName, device)
	case shape.IsDynamic():
		return fmt.Errorf("backend %s: shape %s is dynamic: %w", BackendName, shape, compute.ErrNotImplemented)
	case !capabilities.DTypes[shape.DType]:
		return fmt.Errorf("backend %s: type %s: %w", BackendName, shape.DType, compute.ErrNotImplemented)
	}
	return nil
}
