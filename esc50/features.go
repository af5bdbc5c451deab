package esc50

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/reprodl/reprodl/internal/atomicfile"
)

// ExtractOptions change how features are computed.
type ExtractOptions struct {
	Front    FrontConfig // zero is the course's front end
	Workers  int         // goroutines; zero means one per CPU that Go may use
	Progress func(done, total int)
}

// Features are the spectrograms of a data set's clips, in memory or in a file.
// They may be used by several goroutines.
type Features struct {
	Clips   []Clip      // in the order of the spectrograms
	Classes []string    // category of every target, "" where there is none
	Front   FrontConfig // how they were made
	Bands   int         // mel bands
	Frames  int         // frames of a clip

	memory [][]float32 // nil when they are in file
	file   *os.File
	start  int64 // of the first record
}

// Extract computes the features of every clip in parallel and keeps them in
// memory: 103 KB a clip. nil options mean the course's front end. The first
// clip that cannot be read stops it, and the error names the file.
func Extract(ctx context.Context, d *Dataset, opts *ExtractOptions) (*Features, error) {
	f, front, err := newFeatures(d, opts)
	if err != nil {
		return nil, err
	}
	f.memory = make([][]float32, len(d.Clips))
	err = extract(ctx, d, front, opts, func(i int, x []float32) error {
		f.memory[i] = slices.Clone(x)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// ExtractFile computes the features of every clip in parallel into a file, for
// OpenFeatures. The file's bytes depend on nothing but the clips and options,
// so that it can be the output of a pipeline's stage; it appears when it is
// complete.
func ExtractFile(ctx context.Context, d *Dataset, name string, opts *ExtractOptions) error {
	f, front, err := newFeatures(d, opts)
	if err != nil {
		return err
	}
	out, err := atomicfile.Create(name, nil)
	if err != nil {
		return err
	}
	defer out.Cleanup()
	if f.start, err = f.writeHeader(out); err != nil {
		return err
	}
	err = extract(ctx, d, front, opts, func(i int, x []float32) error {
		_, err := out.WriteAt(encodeRecord(x), f.start+int64(i)*f.recordSize())
		return err
	})
	if err != nil {
		return err
	}
	return out.Commit()
}

func newFeatures(d *Dataset, opts *ExtractOptions) (*Features, *frontEnd, error) {
	if opts == nil {
		opts = new(ExtractOptions)
	}
	front, err := newFrontEnd(opts.Front)
	if err != nil {
		return nil, nil, err
	}
	return &Features{
		Clips:   slices.Clone(d.Clips),
		Classes: d.Classes(),
		Front:   front.c,
		Bands:   front.mel.Bands(),
		Frames:  front.frames(),
	}, front, nil
}

// extract computes every clip and hands it to keep, which must not retain it.
func extract(ctx context.Context, d *Dataset, front *frontEnd, opts *ExtractOptions, keep func(i int, x []float32) error) error {
	if opts == nil {
		opts = new(ExtractOptions)
	}
	workers := opts.Workers
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	done := make(chan struct{}, len(d.Clips))
	finished := reportProgress(done, len(d.Clips), opts.Progress)
	next := make(chan int)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(next)
		for i := range d.Clips {
			if err := ctx.Err(); err != nil {
				return err
			}
			select {
			case next <- i:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range workers {
		front := front.clone()
		group.Go(func() error {
			var x []float32
			for i := range next {
				var err error
				if x, err = front.read(x, d.fsys, path.Join(audioDir, d.Clips[i].File)); err != nil {
					return err
				}
				if err := keep(i, x); err != nil {
					return err
				}
				done <- struct{}{}
			}
			return nil
		})
	}
	err := group.Wait()
	close(done)
	<-finished
	return err
}

// Len is the number of clips.
func (f *Features) Len() int { return len(f.Clips) }

// Size is the number of values of one spectrogram, Bands*Frames.
func (f *Features) Size() int { return f.Bands * f.Frames }

// Read copies the spectrogram of clip i, [Bands, Frames] row by row, to dst,
// which must have Size values. It panics when i is out of range, and fails when
// the file is damaged.
func (f *Features) Read(dst []float32, i int) error {
	if len(dst) != f.Size() || i < 0 || i >= f.Len() {
		panic(fmt.Sprintf("esc50: read of clip %d of %d into %d values, want %d", i, f.Len(), len(dst), f.Size()))
	}
	if f.memory != nil {
		copy(dst, f.memory[i])
		return nil
	}
	buf := make([]byte, f.recordSize())
	if _, err := f.file.ReadAt(buf, f.start+int64(i)*f.recordSize()); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("%s: features of clip %d: %w", f.file.Name(), i, err)
	}
	if err := decodeRecord(dst, buf); err != nil {
		return fmt.Errorf("%s: features of clip %d (%s): %w", f.file.Name(), i, f.Clips[i].File, err)
	}
	return nil
}

// Close closes the file; it does nothing for features in memory.
func (f *Features) Close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// Folds returns the numbers of the clips' folds, sorted.
func (f *Features) Folds() []int { return (&Dataset{Clips: f.Clips}).Folds() }

// inFolds returns the indices of the clips in the given folds.
func (f *Features) inFolds(folds []int) []int {
	var index []int
	for i, c := range f.Clips {
		if slices.Contains(folds, c.Fold) {
			index = append(index, i)
		}
	}
	return index
}
