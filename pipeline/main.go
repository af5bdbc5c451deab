package pipeline

import (
	"context"
	"fmt"

	"github.com/reprodl/reprodl/internal/project"
)

// Main is all that the main function of a program with stages of its own needs
// to call: with args the command line without the program, os.Args[1:]. It does
// what the caller means, of two things:
//
//   - Started by a user it is [Repo.Repro] of the stages that args name, or of
//     all.
//   - Started as the command of a stage, by this package or by dvc repro, it is
//     [Repo.RunStage] of the stage that args name: so the dvc.yaml that
//     [Repo.WriteProject] writes runs the same functions.
//
// Which it is, the variable DVC_STAGE tells, which is set for the commands of
// stages.
func (r *Repo) Main(ctx context.Context, args []string) error {
	if project.Getenv(r.p.Env, stageVariable) == "" {
		_, err := r.Repro(ctx, nil, args...)
		return err
	}
	if len(args) != 1 {
		return fmt.Errorf("started as the command of stage '%s': expected the name of a stage, got %q",
			project.Getenv(r.p.Env, stageVariable), args)
	}
	return r.RunStage(ctx, args[0])
}

// The variables that tell a command which stage of which repository it is. DVC
// sets them, too.
const (
	rootVariable  = "DVC_ROOT"
	stageVariable = "DVC_STAGE"
)

// NestedError says that Repro was called by a stage that it would have to run.
type NestedError struct{ Stage string }

func (e *NestedError) Error() string {
	return fmt.Sprintf("stage '%[1]s' is running, and what it runs asks to reproduce '%[1]s': "+
		"a program that is the command of its own stages calls Repo.Main, or Repo.RunStage in that role", e.Stage)
}

// insideKey is the key of a context value, the stages whose functions the
// caller is in.
type insideKey struct{}

// insideStage is a stage whose function runs, and those around it.
type insideStage struct {
	root, addr string
	outer      *insideStage
}

// within is the context of a stage's function.
func within(ctx context.Context, s *project.Stage) context.Context {
	outer, _ := ctx.Value(insideKey{}).(*insideStage)
	return context.WithValue(ctx, insideKey{}, &insideStage{s.Repo.Root, s.Addr, outer})
}

// checkNested refuses a plan with a stage in it that is running: as a function
// that called this, or as the command whose process this is.
func (p *repro) checkNested(ctx context.Context) error {
	inside := map[string]bool{}
	for at, _ := ctx.Value(insideKey{}).(*insideStage); at != nil; at = at.outer {
		inside[at.addr] = inside[at.addr] || at.root == p.r.p.Root
	}
	if env := p.r.p.Env; project.Getenv(env, rootVariable) == p.r.p.Root {
		inside[project.Getenv(env, stageVariable)] = true
	}
	for _, s := range p.plan {
		if inside[s.Addr] {
			return &NestedError{s.Addr}
		}
	}
	return nil
}
