package experiment

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/reprodl/reprodl/internal/atomicfile"
)

// Clean deletes what killed runs left in .dvc/tmp/exps, and what is kept there
// only to save time. Experiments and plans stay.
func (r *Repo) Clean(ctx context.Context) error {
	if err := r.Recover(ctx); err != nil {
		return err
	}
	for _, base := range []string{r.standaloneDir(), r.planDir()} {
		if err := cleanCopies(base); err != nil {
			return err
		}
	}
	os.Remove(r.tmpDir("reprodl-show.cache"))
	// Git objects that were written by half. A writer that lives may have a
	// young one, so only those that are an hour old go.
	half, _ := filepath.Glob(filepath.Join(r.git.CommonDir(), "objects", "*", atomicfile.TempPrefix+"*"))
	for _, name := range half {
		if fi, err := os.Lstat(name); err == nil && time.Since(fi.ModTime()) > time.Hour {
			os.Remove(name)
		}
	}
	return nil
}
