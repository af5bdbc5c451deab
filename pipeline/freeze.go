package pipeline

import (
	"context"
	"fmt"
	"os"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/project"
)

// Freeze makes a stage or .dvc file stay as it is whatever happens to what it
// depends on.
func (r *Repo) Freeze(ctx context.Context, target string) error {
	return r.setFrozen(ctx, target, true)
}

// Unfreeze undoes Freeze.
func (r *Repo) Unfreeze(ctx context.Context, target string) error {
	return r.setFrozen(ctx, target, false)
}

func (r *Repo) setFrozen(ctx context.Context, text string, frozen bool) error {
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	s, err := one(r.p.NewIndex(), text)
	if err != nil {
		return err
	}
	abs := r.p.Abs(s.File)
	var data []byte
	// Both kinds of files keep the comments and the layout of the user.
	if s.IsDVC() {
		s.Dot.Frozen = frozen
		if data, err = s.Dot.Bytes(); err != nil {
			return err
		}
	} else {
		s.Def.Frozen = frozen
		if data, err = os.ReadFile(abs); err != nil {
			return err
		}
		if data, err = dvcfile.WriteStage(r.p.Rel(abs), data, s.Def); err != nil {
			return err
		}
		r.p.Log.Info(fmt.Sprintf("Modifying stage '%s' in '%s'", s.Name, r.p.Rel(abs)))
	}
	_, err = atomicfile.WriteFileIfChanged(abs, data, r.p.ViaTemp(true))
	return err
}

// one returns the stage that a target means, which must be a single one.
func one(x *project.Index, text string) (*project.Stage, error) {
	t, err := project.ParseTarget(text, false)
	if err != nil {
		return nil, err
	}
	stages, err := x.StagesOf(t, false)
	switch {
	case err != nil:
		return nil, err
	case len(stages) == 1 && (stages[0].IsDVC() || stages[0].Name == t.Name):
		return stages[0], nil
	case t.Name != "":
		return nil, &project.NotFoundError{Name: t.Name, File: t.File}
	}
	return nil, fmt.Errorf("Stage name not provided.Please specify the name as: `%s:stage_name`", t.File) // DVC's words
}
