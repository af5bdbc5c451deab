package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/esc50"
)

// features computes the features of the data, or opens those that an earlier
// call left in -dir.
func (c *command) features(ctx context.Context, out io.Writer) (*esc50.Features, error) {
	if c.download {
		if err := esc50.Download(ctx, c.data, nil); err != nil {
			return nil, err
		}
	}
	data, err := esc50.OpenPath(c.data)
	if err != nil {
		return nil, err
	}
	defer data.Close()
	opts := &esc50.ExtractOptions{Progress: func(done, total int) {
		if done == total {
			fmt.Fprintf(out, "features of %d clips\n", total)
		}
	}}
	if c.options.Dir == "" {
		return esc50.Extract(ctx, data, opts)
	}
	name := filepath.Join(c.options.Dir, "features")
	f, err := esc50.OpenFeatures(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := os.MkdirAll(c.options.Dir, 0o777); err != nil {
		return nil, err
	}
	if err := esc50.ExtractFile(ctx, data, name, opts); err != nil {
		return nil, err
	}
	return esc50.OpenFeatures(name)
}

// report writes confusion.csv and report.csv, over all trainings, to -dir.
func (c *command) report(results esc50.CrossValidation) error {
	if c.options.Dir == "" {
		return nil
	}
	all := results.All()
	for name, write := range map[string]func(io.Writer) error{"confusion.csv": all.WriteConfusion, "report.csv": all.WriteReport} {
		f, err := os.Create(filepath.Join(c.options.Dir, name))
		if err != nil {
			return err
		}
		if err := errors.Join(write(f), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
