package live

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/reprodl/reprodl/internal/git"
)

// cacheImages puts the images under DVC, if that was asked for.
func (l *Logger) cacheImages(ctx context.Context) {
	if !l.opts.CacheImages {
		return
	}
	l.io.Lock()
	defer l.io.Unlock()
	// No image was logged: there is no directory to put under DVC.
	if !l.files.content.images {
		return
	}
	if l.repo.root == "" && l.repo.git == "" {
		l.files.refuse(l, fmt.Errorf("images cannot be cached: %w", errNoRepo))
		return
	}
	l.files.note(l, l.dvcAdd(ctx, filepath.Join(l.PlotsDir(), "images")))
}

// finishRun saves the experiment and removes the signal files.
func (l *Logger) finishRun(ctx context.Context) {
	if l.classic != nil {
		return
	}
	l.io.Lock()
	defer l.io.Unlock()
	// dvc exp run commits what git tracks; new files would be left out.
	if l.repo.exp {
		l.files.note(l, l.gitAdd(ctx))
	}
	if l.opts.Save != nil {
		l.files.note(l, l.saveExperiment(ctx))
	}
	if l.repo.marked {
		l.repo.unsignal(l.repo.root, signalOnly)
	}
	l.repo.unsignal(l.repo.signals, signalStep)
}

// saveExperiment hands the files of the run to Options.Save. It requires
// Logger.io.
func (l *Logger) saveExperiment(ctx context.Context) error {
	if err := l.repo.init(ctx); err != nil {
		return err
	}
	files := []string{filepath.ToSlash(l.dir)}
	for _, file := range l.repo.include {
		files = append(files, filepath.ToSlash(file))
	}
	if !l.opts.NoDVCYAML {
		files = append(files, filepath.ToSlash(l.DVCFile()))
	}
	err := l.opts.Save(ctx, l.opts.ExpName, l.opts.ExpMessage, files)
	if err != nil {
		return fmt.Errorf("save the experiment: %w", err)
	}
	return nil
}

// gitAdd makes git track the files of a run inside dvc exp run, which saves
// tracked files only.
func (l *Logger) gitAdd(ctx context.Context) error {
	// Only what git does not know and does not ignore: an added path that is
	// ignored would be an error.
	out, err := gitOutput(ctx, "ls-files", "-z", "--others", "--exclude-standard", "--", l.path)
	if err != nil {
		return err
	}
	args := []string{"add", "--"}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if name != "" {
			args = append(args, filepath.Join(l.repo.git, filepath.FromSlash(name)))
		}
	}
	if !l.opts.NoDVCYAML {
		file, err := filepath.Abs(l.DVCFile())
		if err != nil {
			return err
		}
		args = append(args, file)
	}
	_, err = gitOutput(ctx, args...)
	return err
}

// gitOutput runs git in the work tree that holds the working directory.
func gitOutput(ctx context.Context, args ...string) ([]byte, error) {
	repo, err := git.Open(".")
	if err != nil {
		return nil, err
	}
	defer repo.Close()
	return repo.Run(ctx, args...)
}

// fsync makes the files of the run durable. They are synced side by side,
// which lets a file system commit them together.
func (l *Logger) fsync() {
	l.io.Lock()
	defer l.io.Unlock()
	if !l.files.ready {
		return
	}
	paths := []string{l.abs("metrics.json"), l.abs("params.yaml"), l.DVCFile()}
	if l.classic != nil {
		paths = []string{l.classic.beside(".json")}
	}
	for _, s := range l.order {
		if s.plotted {
			paths = append(paths, s.file.path)
		}
	}
	// Each worker has an error of its own, so they need no lock.
	const workers = 32
	errs := make([]error, workers)
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := w; i < len(paths); i += workers {
				errs[w] = errors.Join(errs[w], fsyncFile(paths[i]))
			}
		})
	}
	group.Wait()
	l.files.note(l, errors.Join(errs...))
}

// fsyncFile syncs a file, if it is there.
func fsyncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
