package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/reprodl/reprodl/pipeline/data"
	"github.com/reprodl/reprodl/pipeline/remote"
	_ "github.com/reprodl/reprodl/pipeline/remote/all" // every kind of remote that there is a driver for
)

// ownTransferFlags are what dvc does not have.
func ownTransferFlags(flags *pflag.FlagSet, opts *data.TransferOptions) {
	flags.BoolVar(&opts.Verify, "verify", false, "look for every file in the remote, and repair what is missing")
	flags.BoolVar(&opts.DryRun, "dry-run", false, "only count what would be copied")
	flags.Var((*bandwidth)(&opts.Bandwidth), "bandwidth", "at most so many bytes per second (10M)")
}

// bandwidth is a flag: a number of bytes, with k, M or G for decimal multiples.
type bandwidth int64

func (b *bandwidth) String() string { return strconv.FormatInt(int64(*b), 10) }
func (b *bandwidth) Type() string   { return "bytes" }

// Set takes 500k, 10M or a plain number; less than a byte a second is refused.
func (b *bandwidth) Set(text string) error {
	factor := 1.0
	for unit, f := range map[string]float64{"k": 1e3, "m": 1e6, "g": 1e9} {
		if rest, ok := strings.CutSuffix(strings.ToLower(text), unit); ok {
			text, factor = rest, f
			break
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f*factor < 1 || f > 1e12 {
		return errors.New("not a number of bytes, such as 500k or 10M")
	}
	*b = bandwidth(f * factor)
	return nil
}

// startTransfer gives a transfer what it needs of a terminal: a line that shows
// how far it is, and somebody to ask for passwords. The result ends the line.
func (a *app) startTransfer(opts *data.TransferOptions) (end func()) {
	// Without a terminal nobody is asked, and a password that is needed is an
	// error.
	if in, ok := a.Stdin.(*os.File); ok && term.IsTerminal(int(in.Fd())) {
		opts.Ask = func(_ context.Context, prompt string) (string, error) {
			fmt.Fprint(a.Stderr, prompt+": ")
			answer, err := term.ReadPassword(int(in.Fd()))
			fmt.Fprintln(a.Stderr)
			return string(answer), err
		}
	}
	out, ok := a.Stderr.(*os.File)
	if !ok || a.quiet > 0 || !term.IsTerminal(int(out.Fd())) {
		return func() {}
	}
	line := &progressLine{w: out}
	opts.Progress = line.show
	return line.clear
}

// progressLine is one line of a terminal, written over and over.
type progressLine struct {
	w io.Writer

	mu    sync.Mutex
	phase string
	began time.Time
	width int
}

// show writes the line over the last one, filled up to its length. Of nothing there is
// no line.
func (l *progressLine) show(p data.Progress) {
	if p == (data.Progress{}) {
		l.clear()
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.Phase != l.phase {
		l.phase, l.began = p.Phase, time.Now()
	}
	text := progressText(p, time.Since(l.began))
	fmt.Fprintf(l.w, "\r%-*s", l.width, text)
	l.width = len(text)
}

// clear wipes the line, if there is one.
func (l *progressLine) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.width > 0 {
		fmt.Fprintf(l.w, "\r%*s\r", l.width, "")
		l.width = 0
	}
}

// progressText is phase, files, bytes, rate and, where the end is known, the
// time left.
func progressText(p data.Progress, spent time.Duration) string {
	text := fmt.Sprintf("%s: %d", strings.TrimSpace(p.Remote+" "+p.Phase), p.Files)
	if p.TotalFiles > 0 {
		text += fmt.Sprintf("/%d", p.TotalFiles)
	}
	text += " files"
	if p.Bytes == 0 {
		return text
	}
	text += fmt.Sprintf(", %.1f", float64(p.Bytes)/1e6)
	if p.TotalBytes > 0 {
		text += fmt.Sprintf("/%.1f", float64(p.TotalBytes)/1e6)
	}
	text += " MB"
	// Bytes a second since the phase began; too wild to show in the first second.
	rate := float64(p.Bytes) / max(spent.Seconds(), 0.001)
	if spent < time.Second {
		return text
	}
	text += fmt.Sprintf(", %.1f MB/s", rate/1e6)
	if left := float64(p.TotalBytes - p.Bytes); p.TotalBytes > 0 && left > 0 {
		text += fmt.Sprintf(", %s left", time.Duration(left/rate*float64(time.Second)).Round(time.Second))
	}
	return text
}

// remoteFailure is the error of a transfer with dvc's exit code, and its words in front.
func remoteFailure(what string, download bool, err error) error {
	if err == nil {
		return nil
	}
	wrapped := fmt.Errorf("failed to %s data %s the cloud - %w", what, map[bool]string{true: "from", false: "to"}[download], err)
	if errors.Is(err, remote.ErrUnversioned) || unexpected(err, download) {
		return wrapped
	}
	return soft(wrapped)
}

// unexpected reports what dvc calls so, exit code 255: that a remote cannot be reached
// or refuses, except where its library for HTTP, or a download by SSH, reports it as a
// failed file.
func unexpected(err error, download bool) bool {
	var e *remote.Error
	if !errors.As(err, &e) || e.Kind != remote.ErrDenied && e.Kind != remote.ErrUnreachable {
		return false
	}
	scheme, _, _ := strings.Cut(e.URL, "://")
	return !strings.HasPrefix(scheme, "http") && (scheme != "ssh" || !download)
}
