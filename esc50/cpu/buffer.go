package cpu

import (
	"errors"
	"fmt"
	"reflect"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// buffer is a tensor in memory. It implements [compute.Buffer].
type buffer struct {
	backend *Backend
	shape   shapes.Shape
	flat    any // slice of the shape's type; nil once finalized
}

var errFinalized = errors.New("buffer was finalized")

// Backend returns the owner.
func (b *buffer) Backend() compute.Backend { return b.backend }

// Finalize gives the memory back; a second time does nothing.
func (b *buffer) Finalize() error {
	if b.flat == nil {
		return nil
	}
	b.backend.pool.put(b.shape.DType, b.flat)
	b.flat = nil
	return nil
}

// Shape returns the shape.
func (b *buffer) Shape() (shapes.Shape, error) {
	if b.flat == nil {
		return shapes.Invalid(), errFinalized
	}
	return b.shape, nil
}

// DeviceNum is zero.
func (b *buffer) DeviceNum() (compute.DeviceNum, error) { return 0, nil }

// ToFlatData copies the elements to a slice of the right type and length.
func (b *buffer) ToFlatData(flat any) error {
	if b.flat == nil {
		return errFinalized
	}
	return copyFlat(flat, b.flat)
}

// Data returns the elements themselves.
func (b *buffer) Data() (any, error) {
	if b.flat == nil {
		return nil, errFinalized
	}
	return b.flat, nil
}

// CopyToDevice returns a copy on the same, only device.
func (b *buffer) CopyToDevice(device compute.DeviceNum) (compute.Buffer, error) {
	if b.flat == nil {
		return nil, errFinalized
	}
	return b.backend.BufferFromFlatData(device, b.flat, b.shape)
}

// copyFlat copies between slices of equal type and length.
func copyFlat(to, from any) error {
	t, f := reflect.ValueOf(to), reflect.ValueOf(from)
	if f.Kind() != reflect.Slice || t.Kind() != reflect.Slice || t.Type() != f.Type() || t.Len() != f.Len() {
		return fmt.Errorf("backend %s: cannot copy %s of %d to %s of %d",
			BackendName, f.Type(), length(from), t.Type(), length(to))
	}
	reflect.Copy(t, f)
	return nil
}

func length(flat any) int {
	if v := reflect.ValueOf(flat); v.Kind() == reflect.Slice {
		return v.Len()
	}
	return 0
}

// pool keeps the memory of dead tensors for new ones of equal size: a training
// step asks for the same sizes again and again.
type pool struct {
	mu   sync.Mutex
	free map[poolKey][]any
	held int // bytes
}

// poolMost bounds the memory that waits. When it is reached the sizes have
// changed, and all of it goes.
const poolMost = 256 << 20

type poolKey struct {
	dtype dtypes.DType
	size  int
}

func (k poolKey) bytes() int { return k.size * k.dtype.Size() }

// stored is the key of size elements; those of less than a byte lie in bytes.
func stored(dtype dtypes.DType, size int) poolKey {
	if packed(dtype) {
		return poolKey{dtypes.Uint8, dtype.SizeForDimensions(size)}
	}
	return poolKey{dtype, size}
}

// get returns a slice whose elements may be anything.
func (p *pool) get(dtype dtypes.DType, size int) any {
	key := stored(dtype, size)
	p.mu.Lock()
	list := p.free[key]
	if n := len(list); n > 0 {
		flat := list[n-1]
		list[n-1] = nil
		p.free[key] = list[:n-1]
		p.held -= key.bytes()
		p.mu.Unlock()
		return flat
	}
	p.mu.Unlock()
	return dtypes.MakeAnySlice(dtype, size)
}

// put takes a slice back that nobody uses any more.
func (p *pool) put(dtype dtypes.DType, flat any) {
	key := poolKey{dtype, length(flat)}
	if packed(dtype) {
		key.dtype = dtypes.Uint8
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held += key.bytes()
	if p.free == nil || p.held > poolMost {
		p.free, p.held = make(map[poolKey][]any), key.bytes()
	}
	p.free[key] = append(p.free[key], flat)
}

func (p *pool) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free, p.held = nil, 0
}
