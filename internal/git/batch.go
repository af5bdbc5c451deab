package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
)

// batch is a `git cat-file --batch` that answers one question after another.
// Whatever disturbs the conversation ends the process; the next question
// starts a new one.
// mu is held for a whole question and its answer, fn included: fn must not ask
// for another object. cmd nil means that no process runs.
type batch struct {
	repo *Repo

	mu     sync.Mutex
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	stderr bytes.Buffer
}

// read asks for any revision expression without line breaks.
func (b *batch) read(ctx context.Context, rev ID, fn visit) (Kind, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.start(); err != nil {
		return "", err
	}
	cmd := b.cmd
	// A read from a pipe knows no context; the end of the process ends it.
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	defer stop()
	kind, clean, err := b.ask(rev, fn)
	if !clean {
		b.end()
		if ctx.Err() != nil {
			err = ctx.Err()
		} else if s := strings.TrimSpace(b.stderr.String()); s != "" {
			err = newError(cmd.Args[1:], s, err)
		}
	}
	return kind, err
}

// start makes sure that there is a process; mu is held. It outlives the context
// of the question that needed it first.
func (b *batch) start() error {
	if b.cmd != nil {
		return nil
	}
	c := b.repo.command(context.Background(), Cmd{Args: []string{"cat-file", "--batch"}})
	b.stderr.Reset()
	c.Stderr = &b.stderr
	stdin, err := c.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return newError(c.Args[1:], "", err)
	}
	b.cmd, b.stdin, b.stdout = c, stdin, bufio.NewReaderSize(stdout, 64<<10)
	return nil
}

// ask reports clean when the process is ready for the next question.
func (b *batch) ask(rev ID, fn visit) (kind Kind, clean bool, err error) {
	if _, err := io.WriteString(b.stdin, string(rev)+"\n"); err != nil {
		return "", false, err
	}
	head, err := b.stdout.ReadString('\n')
	if err != nil {
		return "", false, err
	}
	// The answer is "ID KIND SIZE", the content, and a line break; or "REV
	// missing".
	f := strings.Fields(head)
	if len(f) != 3 {
		if strings.HasSuffix(head, " missing\n") || strings.HasSuffix(head, " ambiguous\n") {
			return "", true, fmt.Errorf("object %s: %w", rev, ErrNotFound)
		}
		return "", false, fmt.Errorf("git cat-file answered %q", head)
	}
	size, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil {
		return "", false, fmt.Errorf("git cat-file answered %q", head)
	}
	body := &io.LimitedReader{R: b.stdout, N: size}
	ferr := fn(Kind(f[1]), size, body)
	if body.N > 1<<20 {
		return Kind(f[1]), false, ferr // cheaper to start anew than to read on
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		return "", false, errors.Join(ferr, err)
	}
	// The line break after the content.
	if _, err := b.stdout.Discard(1); err != nil {
		return "", false, errors.Join(ferr, err)
	}
	return Kind(f[1]), true, ferr
}

// end kills the process, whatever it is doing, and waits for it; mu is held.
func (b *batch) end() {
	if b.cmd == nil {
		return
	}
	b.stdin.Close()
	b.cmd.Process.Kill()
	b.cmd.Wait()
	b.cmd = nil
}

// close lets the process end by itself: the end of its input is its sign.
func (b *batch) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cmd == nil {
		return nil
	}
	b.stdin.Close()
	err := b.cmd.Wait()
	b.cmd = nil
	return err
}
