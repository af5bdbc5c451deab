package workspace

import (
	"context"
	"fmt"
	"io"

	"github.com/reprodl/reprodl/esc50"
	"github.com/reprodl/reprodl/examples/internal/progress"
)

// Data fills the directory dir once with the data set at source, an ESC-50 or
// ESC-10 directory or zip, or with a synthetic one if source is empty.
//
// It reports whether the directory was filled.
func Data(ctx context.Context, out io.Writer, dir, source string) (filled bool, err error) {
	if d, err := esc50.OpenPath(dir); err == nil {
		defer d.Close()
		if source != "" {
			fmt.Fprintf(out, "%s is already there; -data %s was not copied again.\n", dir, source)
		}
		fmt.Fprintf(out, "%d clips in %s.\n", len(d.Clips), dir)
		return false, nil
	}
	if source == "" {
		fmt.Fprintln(out, "Without -data the clips are synthetic: sounds of 10 classes in the shape of ESC-50.")
		b := progress.NewBar(out, "synthesising clips")
		defer b.Done()
		return true, esc50.Synthesize(ctx, dir, &esc50.SynthOptions{Progress: b.Update})
	}
	d, err := esc50.OpenPath(source)
	if err != nil {
		return false, err
	}
	defer d.Close()
	b := progress.NewBar(out, "copying clips")
	defer b.Done()
	return true, d.Copy(ctx, dir, b.Update)
}
