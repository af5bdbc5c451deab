package project

import (
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/object"
)

// Scope says how targets are meant.
type Scope struct {
	WithDeps  bool // also the stages that they depend on
	Recursive bool // a target may be a directory: all stages declared below it
	Glob      bool // a target is a pattern of stage names
}

// Selection is a stage, or some outputs of it.
type Selection struct {
	Stage *Stage
	Only  func(*Output) bool // nil = all outputs
	Part  string             // below the one output, with slashes, if the target lies in it
}

// Piece is an output, or a file or directory in one.
type Piece struct {
	*Output
	Part string // with slashes; empty = all of it
}

// Path is the absolute path of the piece.
func (p Piece) Path() string { return filepath.Join(p.Abs, filepath.FromSlash(p.Part)) }

// In returns what the piece is of a directory that holds entries.
func (p Piece) In(entries []object.Entry) []object.Entry {
	if p.Part == "" {
		return entries
	}
	var out []object.Entry
	for _, e := range entries {
		if e.Path == p.Part || strings.HasPrefix(e.Path, p.Part+"/") {
			out = append(out, e)
		}
	}
	return out
}

// Pieces are the selected outputs, in their order.
func Pieces(chosen []Selection) []Piece {
	var out []Piece
	for _, c := range chosen {
		for _, o := range c.Stage.Outs {
			if c.Only == nil || c.Only(o) {
				out = append(out, Piece{o, c.Part})
			}
		}
	}
	return out
}

// Granular returns what Targets mean where outputs are targets too. Without
// targets it is everything.
func (x *Index) Granular(opts Scope, targets []string) ([]Selection, error) {
	var list []Selection
	if len(targets) == 0 {
		if err := x.Collect(); err != nil {
			return nil, err
		}
		for _, s := range x.Stages {
			list = append(list, Selection{Stage: s})
		}
		return list, nil
	}
	for _, text := range targets {
		found, err := x.SelectTarget(opts, filepath.ToSlash(text))
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	return list, nil
}

// SelectTarget returns what one target means. DVC tries it as a stage first and
// as an output only if there is none, so that a stage hides an output of its
// name.
func (x *Index) SelectTarget(opts Scope, text string) ([]Selection, error) {
	if opts.WithDeps {
		if err := x.Collect(); err != nil {
			return nil, err
		}
	}
	stages, err := x.Resolve(text, Scope{Recursive: opts.Recursive})
	if err != nil {
		// Owner may need all files; its error, about one of them, says more.
		owner, out, ownErr := x.Owner(x.Repo.UserPath(text))
		if ownErr != nil {
			return nil, ownErr
		}
		// For a name of a stage file the first error says more than "no output".
		if owner == nil {
			if t, _ := ParseTarget(text, false); IsStageFile(t.File) && (!opts.WithDeps || IsMissing(err)) {
				return nil, err
			}
			if IsMissing(err) || IsNotFound(err) {
				return nil, &NoTargetError{text, err}
			}
			return nil, err
		}
		sel := Selection{Stage: owner, Only: func(o *Output) bool { return o == out }}
		if part, err := filepath.Rel(out.Abs, x.Repo.UserPath(text)); err == nil && part != "." {
			sel.Part = filepath.ToSlash(part)
		}
		return []Selection{sel}, nil
	}
	var list []Selection
	if opts.WithDeps {
		graph, err := x.Build()
		if err != nil {
			return nil, err
		}
		// Upstream includes the targets, producers first.
		var nodes []int
		for _, s := range stages {
			nodes = append(nodes, x.At[s])
		}
		for _, i := range graph.Upstream(nodes...) {
			list = append(list, Selection{Stage: x.Stages[i]})
		}
		return list, nil
	}
	for _, s := range stages {
		list = append(list, Selection{Stage: s})
	}
	return list, nil
}

// Owner finds the stage whose output a path is, or lies in.
func (x *Index) Owner(abs string) (*Stage, *Output, error) {
	if err := x.Collect(); err != nil {
		return nil, nil, err
	}
	for _, s := range x.Stages {
		for _, o := range s.Outs {
			// Outputs don't nest, so the first is the only one.
			if o.Abs == abs || IsBelow(abs, o.Abs) {
				return s, o, nil
			}
		}
	}
	return nil, nil, nil
}

// NoTargetError is a target that is neither a stage nor an output.
type NoTargetError struct {
	Target string
	err    error
}

func (e *NoTargetError) Error() string {
	return "'" + e.Target + "' does not exist as an output or a stage name in 'dvc.yaml': " + e.err.Error()
}

// Unwrap returns why it is no stage.
func (e *NoTargetError) Unwrap() error { return e.err }

// Is makes it an ErrNotFound.
func (e *NoTargetError) Is(target error) bool { return target == ErrNotFound }
