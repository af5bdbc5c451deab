package pyjson

import "github.com/reprodl/reprodl/params/ordered"

// Map is the public type under the name that the code around JSON and YAML
// uses for it.
type Map = ordered.Map

// NewMap is [ordered.New].
func NewMap(kv ...any) *Map { return ordered.New(kv...) }
