package pipeline

import (
	"context"
	"fmt"
	"os"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/dvcfile"
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
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	s, err := r.newIndex().one(text)
	if err != nil {
		return err
	}
	abs := r.abs(s.file)
	var data []byte
	if s.isDVC() {
		s.dot.Frozen = frozen
		if data, err = s.dot.Bytes(); err != nil {
			return err
		}
	} else {
		s.def.Frozen = frozen
		if data, err = os.ReadFile(abs); err != nil {
			return err
		}
		if data, err = dvcfile.WriteStage(r.rel(abs), data, s.def); err != nil {
			return err
		}
		r.log.Info(fmt.Sprintf("Modifying stage '%s' in '%s'", s.name, r.rel(abs)))
	}
	_, err = atomicfile.WriteFileIfChanged(abs, data, r.viaTemp(true))
	return err
}

// one returns the stage that a target means, which must be a single one.
func (x *index) one(text string) (*stage, error) {
	t, err := parseTarget(text, false)
	if err != nil {
		return nil, err
	}
	stages, err := x.stagesOf(t, false)
	switch {
	case err != nil:
		return nil, err
	case len(stages) == 1 && (stages[0].isDVC() || stages[0].name == t.name):
		return stages[0], nil
	case t.name != "":
		return nil, &notFoundError{name: t.name, file: t.file}
	}
	return nil, fmt.Errorf("Stage name not provided.Please specify the name as: `%s:stage_name`", t.file) // DVC's words
}
