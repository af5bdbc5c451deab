package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"unicode/utf8"

	"golang.org/x/term"
)

// output is standard output for what the program itself prints. It remembers that a
// write failed, as on a full disk: then no command succeeds. Text for a terminal is
// made harmless: names, messages and values come from other people's repositories,
// and a terminal obeys the control characters in them. What is piped stays as it is.
type output struct {
	w    io.Writer
	safe bool // for a terminal

	mu  sync.Mutex
	err error
}

func newOutput(w io.Writer) *output {
	f, ok := w.(*os.File)
	return &output{w: w, safe: ok && term.IsTerminal(int(f.Fd()))}
}

// Write never fails, so that a command ends what it began; see failure.
func (o *output) Write(p []byte) (int, error) {
	// One Write may end within a character; its bytes are then shown as such.
	text := p
	if o.safe {
		text = harmless(p)
	}
	o.write(text)
	return len(p), nil
}

func (o *output) write(text []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, err := o.w.Write(text); err != nil && o.err == nil {
		o.err = err
	}
}

// raw is for what other programs wrote: it goes on byte for byte, save to a terminal.
// Unlike o itself it fails, so that whoever follows a log ends.
func (o *output) raw() io.Writer {
	if o.safe {
		return o
	}
	return o.w
}

// failure is the error of the first write that failed.
func (o *output) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		return nil
	}
	return fmt.Errorf("standard output: %w", o.err)
}

// harmless writes control characters as Python's repr does, save for tabs and line
// ends; so it does the C1 controls, which some terminals obey as well, and bytes that
// are no text.
func harmless(p []byte) []byte {
	if !bytes.ContainsFunc(p, isControl) {
		return p
	}
	out := make([]byte, 0, len(p)+16)
	for len(p) > 0 {
		r, n := utf8.DecodeRune(p)
		switch {
		case r == utf8.RuneError && n == 1:
			out = fmt.Appendf(out, `\x%02x`, p[0])
		case isControl(r):
			out = fmt.Appendf(out, `\x%02x`, r)
		default:
			out = append(out, p[:n]...)
		}
		p = p[n:]
	}
	return out
}

func isControl(r rune) bool {
	return r < 0x20 && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError
}
