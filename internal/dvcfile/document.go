package dvcfile

import "github.com/reprodl/reprodl/internal/dvcyaml"

// A document is a file being edited.
type document struct{ root *dvcyaml.Map }

func parseDocument(file string, data []byte) (*document, error) {
	v, err := dvcyaml.Decode(file, data)
	if err != nil {
		return nil, err
	}
	m, _ := v.(*dvcyaml.Map)
	if m == nil {
		m = dvcyaml.NewMap()
	}
	return &document{m}, nil
}

func (d *document) parent(at []any) *dvcyaml.Map {
	m := d.root
	for _, k := range at[:len(at)-1] {
		v, _ := m.Get(k)
		next, _ := v.(*dvcyaml.Map)
		if next == nil {
			next = dvcyaml.NewMap()
			m.Set(k, next)
		}
		m = next
	}
	return m
}

// Set replaces or appends the value at a path of keys.
func (d *document) Set(at []any, v any) error {
	d.parent(at).Set(at[len(at)-1], v)
	return nil
}

// Delete removes the value at a path of keys.
func (d *document) Delete(at []any) error {
	d.parent(at).Delete(at[len(at)-1])
	return nil
}

// Update makes the document equal to v.
func (d *document) Update(v *dvcyaml.Map) error {
	d.root = v
	return nil
}

// Bytes returns the text.
func (d *document) Bytes() []byte { return dvcyaml.Marshal(d.root) }
