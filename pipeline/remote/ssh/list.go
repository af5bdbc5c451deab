package ssh

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"path"
	"strings"
	"sync"

	"github.com/reprodl/reprodl/pipeline/remote"
)

// List reads several directories at a time: over a network each takes a few
// round trips.
func (s *server) List(ctx context.Context, prefix string) iter.Seq2[remote.Info, error] {
	return func(yield func(remote.Info, error) bool) {
		w := &walk{s: s, found: make(chan []remote.Info, 16), free: make(chan struct{}, min(16, s.cfg.Concurrency())), quit: make(chan struct{})}
		w.wg.Add(1)
		go w.dir(ctx, strings.TrimSuffix(prefix, "/"))
		go func() { w.wg.Wait(); close(w.found) }()
		defer func() { // whoever stops early waits for the readers, which stop soon
			close(w.quit)
			for range w.found {
			}
		}()
		for batch := range w.found {
			for _, info := range batch {
				if !yield(info, nil) {
					return
				}
			}
		}
		// After the channel is closed no goroutine writes err any more.
		if w.err != nil {
			yield(remote.Info{}, w.err)
		}
	}
}

// walk is one listing. Goroutines stand for directories: free limits those that
// talk to the server, not those that wait.
type walk struct {
	s     *server
	found chan []remote.Info
	free  chan struct{} // limits the directories that are read at a time
	quit  chan struct{}
	wg    sync.WaitGroup

	once sync.Once
	err  error // of the first directory that could not be read
}

// dir reads one directory and starts its subdirectories. The place in free is
// given back before results are handed over: the receiver may be slow, and must
// not keep others from the server. After an error the rest is still read.
func (w *walk) dir(ctx context.Context, key string) {
	defer w.wg.Done()
	select {
	case w.free <- struct{}{}:
	case <-w.quit:
		return
	}
	files, dirs, err := w.read(ctx, key)
	<-w.free
	if err != nil {
		w.once.Do(func() { w.err = err })
		return
	}
	for _, sub := range dirs {
		w.wg.Add(1)
		go w.dir(ctx, sub)
	}
	if len(files) > 0 {
		select {
		case w.found <- files:
		case <-w.quit:
		}
	}
}

// read lists one directory. One that isn't there has nothing in it. Links are
// followed; one that leads nowhere is left out.
func (w *walk) read(ctx context.Context, key string) (files []remote.Info, dirs []string, err error) {
	err = w.s.do(ctx, "list", key, func(c *session) error {
		entries, err := c.ReadDir(w.s.at(key))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		for _, fi := range entries {
			name := path.Join(key, fi.Name())
			mode := fi.Mode()
			if mode&fs.ModeSymlink != 0 {
				if to, err := c.Stat(w.s.at(name)); err == nil {
					fi, mode = to, to.Mode()
				}
			}
			switch {
			case mode.IsDir():
				dirs = append(dirs, name)
			case mode.IsRegular() && !strings.HasPrefix(path.Base(name), tempPrefix):
				files = append(files, remote.Info{Key: name, Size: fi.Size(), Modified: fi.ModTime()})
			}
		}
		return err
	})
	return files, dirs, err
}
