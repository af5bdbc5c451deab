package esc50

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/reprodl/reprodl/internal/atomicfile"
)

// ErrCheckpoint is wrapped by every error about the content of a checkpoint or
// model file: damaged, of something else, or from another configuration.
var ErrCheckpoint = errors.New("bad checkpoint")

// A checkpoint is the magic line, the length of a JSON header, the header, the
// little-endian bytes of the variables in the header's order, and the SHA-256
// of everything before it. A model file is one without progress and with the
// model's variables only.
const checkpointMagic = "reprodl checkpoint 1\n"

type checkpoint struct {
	Config   Config
	Classes  []string
	Front    FrontConfig
	Norm     norm
	Progress *progress `json:",omitempty"`
	Vars     []variable
}

// variable is one tensor of a store.
type variable struct {
	Path      string
	Type      string
	Dims      []int
	Trainable bool
	data      []byte
}

var checkpointTypes = map[string]dtypes.DType{
	"float32": dtypes.Float32, "float64": dtypes.Float64, "int32": dtypes.Int32, "int64": dtypes.Int64,
}

// variablesOf copies the variables whose path keep accepts, in the order in
// which they were made: making them again in that order makes the same graph.
func variablesOf(s *model.Store, keep func(path string) bool) ([]variable, error) {
	var vars []variable
	for v := range s.IterVariables() {
		if !keep(v.Path()) {
			continue
		}
		out := variable{Path: v.Path(), Dims: v.Shape().Dimensions, Trainable: v.Trainable}
		for name, t := range checkpointTypes {
			if t == v.DType() {
				out.Type = name
			}
		}
		if out.Type == "" {
			return nil, fmt.Errorf("variable %s of type %s cannot be saved", v.Path(), v.DType())
		}
		value, err := v.Value()
		if err != nil {
			return nil, err
		}
		if err := value.ConstBytes(func(data []byte) { out.data = bytes.Clone(data) }); err != nil {
			return nil, err
		}
		vars = append(vars, out)
	}
	return vars, nil
}

// storeOf makes a store with the variables.
func storeOf(vars []variable) (*model.Store, error) {
	s := model.NewStore()
	for _, v := range vars {
		t := tensors.FromShape(shapes.Make(checkpointTypes[v.Type], v.Dims...))
		if err := t.MutableBytes(func(data []byte) { copy(data, v.data) }); err != nil {
			return nil, err
		}
		made, err := s.CreateVariable(v.Path, t)
		if err != nil {
			return nil, err
		}
		made.SetTrainable(v.Trainable)
	}
	return s, nil
}

func (c *checkpoint) encode() ([]byte, error) {
	header, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	b := []byte(checkpointMagic)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(header)))
	b = append(b, header...)
	for _, v := range c.Vars {
		b = append(b, v.data...)
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...), nil
}

func checkpointErrorf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCheckpoint, fmt.Sprintf(format, args...))
}

func decodeCheckpoint(b []byte) (*checkpoint, error) {
	start := len(checkpointMagic) + 4
	if !bytes.HasPrefix(b, []byte(checkpointMagic)) || len(b) < start+sha256.Size {
		return nil, checkpointErrorf("not a checkpoint")
	}
	body := b[:len(b)-sha256.Size]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], b[len(body):]) {
		return nil, checkpointErrorf("damaged: its checksum differs")
	}
	size := int64(binary.LittleEndian.Uint32(b[start-4:]))
	if size > int64(len(body)-start) {
		return nil, checkpointErrorf("header of %d bytes", size)
	}
	c := new(checkpoint)
	if err := json.Unmarshal(body[start:start+int(size)], c); err != nil {
		return nil, checkpointErrorf("header: %v", err)
	}
	rest, seen := body[start+int(size):], map[string]bool{}
	for i := range c.Vars {
		v := &c.Vars[i]
		n, err := v.bytes(len(rest))
		if err != nil {
			return nil, err
		}
		if seen[v.Path] {
			return nil, checkpointErrorf("variable %s twice", v.Path)
		}
		seen[v.Path] = true
		v.data, rest = rest[:n], rest[n:]
	}
	if len(rest) > 0 {
		return nil, checkpointErrorf("%d bytes after the last variable", len(rest))
	}
	if err := c.Config.Validate(); err != nil {
		return nil, checkpointErrorf("%v", err)
	}
	return c, nil
}

// bytes returns the variable's size, which may be at most limit.
func (v *variable) bytes(limit int) (int, error) {
	t, ok := checkpointTypes[v.Type]
	if !ok || v.Path == "" {
		return 0, checkpointErrorf("variable %q of type %q", v.Path, v.Type)
	}
	n := t.Size()
	for _, d := range v.Dims {
		if d < 1 || n > limit/d {
			return 0, checkpointErrorf("variable %s of shape %d doesn't fit the file", v.Path, v.Dims)
		}
		n *= d
	}
	if n > limit {
		return 0, checkpointErrorf("variable %s of shape %d doesn't fit the file", v.Path, v.Dims)
	}
	return n, nil
}

func readCheckpoint(name string) (*checkpoint, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	c, err := decodeCheckpoint(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

func (c *checkpoint) write(name string) error {
	b, err := c.encode()
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(name, b, &atomicfile.Options{Sync: true})
}

// Save writes the model to a file, atomically. Equal models give equal bytes.
func (m *Model) Save(name string) error {
	vars, err := variablesOf(m.store, ofModel)
	if err != nil {
		return err
	}
	return (&checkpoint{Config: m.Config, Classes: m.Classes, Front: m.Front, Norm: m.norm, Vars: vars}).write(name)
}

// LoadModel reads a model that Save wrote. Errors about the content wrap
// ErrCheckpoint.
func LoadModel(name string) (*Model, error) {
	c, err := readCheckpoint(name)
	if err != nil {
		return nil, err
	}
	if c.Progress != nil {
		return nil, fmt.Errorf("%s: %w", name, checkpointErrorf("of a training, not a model: give it to Train"))
	}
	store, err := storeOf(c.Vars)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Model{Config: c.Config, Classes: c.Classes, Front: c.Front, norm: c.Norm, store: store}, nil
}
