package mlflow

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/reprodl/reprodl/internal/dirlock"
)

// Send sends what earlier processes left in the spool for the server of opts,
// and returns when everything is sent, or ctx is done, or the server does not
// answer: then the error is [ErrPending]. Runs of processes that live are
// theirs. Opening a [Sink] does the same beside its own run.
func Send(ctx context.Context, opts *Options) error {
	var o Options
	if opts != nil {
		o = *opts
	}
	o.complete()
	c, err := newClient(&o)
	if err != nil {
		return err
	}
	refused, err := sendOrphans(ctx, c, &o)
	if err != nil {
		err = fmt.Errorf("%w: %s: %w", ErrPending, c.address(), err)
	}
	return errors.Join(refused, err)
}

// sendOrphans sends the spools whose processes have ended. Only spools for the
// very same address are: the credentials at hand are that server's.
func sendOrphans(ctx context.Context, c *client, o *Options) (refused, err error) {
	dirs, err := os.ReadDir(o.Spool)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, d := range dirs {
		dir := filepath.Join(o.Spool, d.Name())
		var info runInfo
		if err := readJSON(filepath.Join(dir, infoFile), &info); err != nil {
			if fi, statErr := d.Info(); errors.Is(err, fs.ErrNotExist) && statErr == nil && stale(fi) {
				os.RemoveAll(dir)
			}
			continue
		}
		if info.URI != c.address() {
			continue
		}
		bad, err := sendOrphan(ctx, c, dir)
		refused = errors.Join(refused, bad)
		if err != nil {
			return refused, err
		}
	}
	return refused, nil
}

func sendOrphan(ctx context.Context, c *client, dir string) (refused, err error) {
	s, err := openSpool(dir)
	if errors.Is(err, dirlock.ErrLocked) || errors.Is(err, fs.ErrNotExist) {
		return nil, nil // its process lives, or another one has sent it
	}
	if err != nil {
		return nil, err
	}
	defer s.close()
	if s.state.Rejected != "" {
		return nil, nil
	}
	if err := s.orphan(); err != nil {
		return nil, err
	}
	d := delivery{client: c, run: s}
	err = d.send(ctx)
	return d.refused, err
}

// orphan ends the run of a process that died without ending it, at the time of
// its last entry.
func (s *spool) orphan() error {
	name := filepath.Join(s.dir, logFile)
	last := s.info.Start
	if fi, err := os.Stat(name); err == nil {
		last = fi.ModTime().UnixMilli()
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	whole, ended, err := lastLine(f)
	if err == nil {
		err = f.Truncate(whole)
	}
	if err == nil {
		_, err = f.Seek(whole, io.SeekStart)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	s.mu.Lock()
	s.log, s.size = f, whole
	s.mu.Unlock()
	if ended {
		return nil
	}
	return s.append([]entry{{End: &runEnd{Status: statusFailed, Time: last}}})
}

// lastLine returns the size of the whole lines, and whether the last of them
// ends the run.
func lastLine(f *os.File) (size int64, ended bool, err error) {
	r := bufio.NewReader(f)
	for {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return size, ended, nil
		}
		if err != nil {
			return 0, false, err
		}
		size += int64(len(line))
		var e entry
		ended = json.Unmarshal(line, &e) == nil && e.End != nil
	}
}

// stale reports a directory whose making was broken off long ago.
func stale(info fs.FileInfo) bool { return time.Since(info.ModTime()) > time.Hour }
