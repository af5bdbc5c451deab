// Package progress shows how far long work is: what the examples share.
package progress

import (
	"fmt"
	"io"
	"os"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// Bar shows the progress of long work: a bar on a terminal (mpb draws it, for
// it copes with resizing and slow terminals), else one line when the work is
// done.
type Bar struct {
	out   io.Writer
	name  string
	draw  *mpb.Progress
	shown *mpb.Bar
	total int
}

// NewBar starts the bar of the named work.
func NewBar(out io.Writer, name string) *Bar {
	b := &Bar{out: out, name: name}
	if IsTerminal(out) {
		b.draw = mpb.New(mpb.WithOutput(out), mpb.WithWidth(50))
		b.shown = b.draw.AddBar(0,
			mpb.PrependDecorators(decor.Name("  "+name+" "), decor.CountersNoUnit("%d/%d")),
			mpb.AppendDecorators(decor.AverageETA(decor.ET_STYLE_GO)))
	}
	return b
}

// Update is called with the work done and the whole of it.
func (b *Bar) Update(done, total int) {
	b.total = total
	if b.shown != nil {
		b.shown.SetTotal(int64(total), false)
		b.shown.SetCurrent(int64(done))
	}
}

// Done ends the display, whether the work was finished or not.
func (b *Bar) Done() {
	if b.shown == nil {
		fmt.Fprintf(b.out, "  %s: %d done\n", b.name, b.total)
		return
	}
	b.shown.SetTotal(-1, true)
	b.shown.Abort(false)
	b.draw.Wait()
}

// IsTerminal tells whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
