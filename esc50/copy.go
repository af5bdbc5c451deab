package esc50

import (
	"context"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/atomicfile"
)

// Copy writes the clips and their meta/esc50.csv to dir, in the published
// layout. progress, when not nil, is called after every clip. Files that
// already have their content are left alone; meta/esc50.csv is written last,
// so that a directory that has it is complete.
func (d *Dataset) Copy(ctx context.Context, dir string, progress func(done, total int)) error {
	for _, sub := range []string{audioDir, path.Dir(metaFile)} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o777); err != nil {
			return err
		}
	}
	for i, c := range d.Clips {
		if err := ctx.Err(); err != nil {
			return err
		}
		wav, err := fs.ReadFile(d.fsys, path.Join(audioDir, c.File))
		if err != nil {
			return datasetError("%w", err)
		}
		if _, err := atomicfile.WriteFileIfChanged(filepath.Join(dir, audioDir, c.File), wav, nil); err != nil {
			return err
		}
		if progress != nil {
			progress(i+1, len(d.Clips))
		}
	}
	_, err := atomicfile.WriteFileIfChanged(filepath.Join(dir, filepath.FromSlash(metaFile)), encodeMeta(d.Clips), nil)
	return err
}
