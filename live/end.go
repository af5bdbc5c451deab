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
func (l *Logger) cacheImages() {
	if !l.opts.CacheImages {
		return
	}
	l.io.Lock()
	defer l.io.Unlock()
	if !l.files.content.images {
		return
	}
	if l.repo.root == "" && l.repo.git == "" {
		l.slog.Warn("live: caching images needs a DVC repository")
		return
	}
	l.files.note(l, l.dvcAdd(filepath.Join(l.PlotsDir(), "images")))
}

// finishRun saves the experiment and removes the signal files.
func (l *Logger) finishRun() {
	if l.classic != nil {
		return
	}
	l.io.Lock()
	defer l.io.Unlock()
	if l.repo.exp {
		l.files.note(l, l.gitAdd())
	}
	if l.opts.Save != nil {
		l.files.note(l, l.saveExperiment())
	}
	if l.repo.marked {
		l.repo.unsignal(l.repo.root, signalOnly)
	}
	l.repo.unsignal(l.repo.signals, signalStep)
}

func (l *Logger) saveExperiment() error {
	if err := l.repo.init(); err != nil {
		return err
	}
	files := []string{filepath.ToSlash(l.dir)}
	for _, file := range l.repo.include {
		files = append(files, filepath.ToSlash(file))
	}
	if !l.opts.NoDVCYAML {
		files = append(files, filepath.ToSlash(l.DVCFile()))
	}
	err := l.opts.Save(context.Background(), l.opts.ExpName, l.opts.ExpMessage, files)
	if err != nil {
		return fmt.Errorf("save the experiment: %w", err)
	}
	return nil
}

// gitAdd makes git track the files of a run inside dvc exp run, which saves
// tracked files only.
func (l *Logger) gitAdd() error {
	out, err := gitOutput("ls-files", "-z", "--others", "--exclude-standard", "--", l.path)
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
	_, err = gitOutput(args...)
	return err
}

// gitOutput runs git in the work tree that holds the working directory.
func gitOutput(args ...string) ([]byte, error) {
	repo, err := git.Open(".")
	if err != nil {
		return nil, err
	}
	defer repo.Close()
	return repo.Run(context.Background(), args...)
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
