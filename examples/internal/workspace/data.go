package workspace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/esc50"
	"github.com/reprodl/reprodl/examples/internal/progress"
	"github.com/reprodl/reprodl/pipeline"
)

// Data fills the directory dir once with the data set at source, an ESC-50 or
// ESC-10 directory or zip, or with a synthetic one if source is empty.
func Data(ctx context.Context, out io.Writer, dir, source string) error {
	if d, err := esc50.OpenPath(dir); err == nil {
		defer d.Close()
		if source != "" {
			fmt.Fprintf(out, "%s is already there; -data %s was not copied again.\n", dir, source)
		}
		fmt.Fprintf(out, "%d clips in %s.\n", len(d.Clips), dir)
		return nil
	}
	if source == "" {
		b := progress.NewBar(out, "synthesising clips")
		defer b.Done()
		return esc50.Synthesize(ctx, dir, &esc50.SynthOptions{Progress: b.Update})
	}
	d, err := esc50.OpenPath(source)
	if err != nil {
		return err
	}
	defer d.Close()
	b := progress.NewBar(out, "copying clips")
	defer b.Done()
	return d.Copy(ctx, dir, b.Update)
}

// Commit puts the data, a directory of the workspace, under DVC's control and
// everything small under git's, once: the baseline of the experiments.
func Commit(ctx context.Context, out io.Writer, repo *pipeline.Repo, dir, data string) error {
	if _, err := os.Stat(filepath.Join(dir, data+".dvc")); !errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(out, "%s.dvc is there already.\n", data)
		return err
	}
	if _, err := repo.Add(ctx, nil, data); err != nil {
		return err
	}
	if _, err := Git(ctx, dir, "add", "-A"); err != nil {
		return err
	}
	if _, err := Git(ctx, dir, "commit", "-q", "-m", "Add the data, the parameters and the pipeline"); err != nil {
		return err
	}
	head, err := Git(ctx, dir, "log", "-1", "--format=%h %s")
	fmt.Fprintf(out, "The clips are in DVC's cache, %s.dvc and the rest in git: %s\n", data, head)
	return err
}
