package live

import (
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/reprodl/reprodl/internal/report"
)

// progress keeps one line of a terminal up to date. Its steps are counted
// under Logger.mu; the line is drawn by the writer.
type progress struct {
	w     io.Writer
	width func() int
	total int
	now   func() time.Time
	start time.Time
	first int // step of the first NextStep
	done  int // steps since
	step  int
	drawn int // steps that the line shows
}

// newProgress returns nil unless w is a terminal.
func newProgress(w io.Writer, total int, now func() time.Time) *progress {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	width := func() int {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
		return 80
	}
	return &progress{w: w, width: width, total: total, now: now, start: now()}
}

// tick counts a step. It requires Logger.mu.
func (p *progress) tick(step int) {
	if p == nil {
		return
	}
	if p.done == 0 {
		p.first = step
	}
	p.done++
	p.step = step
}

// draw replaces the line.
func (l *Logger) drawProgress() {
	if l.progress == nil {
		return
	}
	l.mu.Lock()
	line := ""
	if p := l.progress; p.drawn != p.done {
		// The text is made under the lock, but written without it: a terminal may
		// be slow.
		line, p.drawn = p.line(l.order), p.done
	}
	l.mu.Unlock()
	if line != "" {
		fmt.Fprintf(l.progress.w, "\r%s\x1b[K", line)
	}
}

// line is "step 12/100  loss 0.25  acc 0.5  53.2 steps/s  0:16 left".
func (p *progress) line(metrics []*series) string {
	if p.done == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "step %d", p.step)
	if p.total > 0 {
		fmt.Fprintf(&b, "/%d", p.total)
	}
	var tail strings.Builder
	if elapsed := p.now().Sub(p.start).Seconds(); elapsed > 0 {
		rate := float64(p.done) / elapsed
		fmt.Fprintf(&tail, "  %.3g steps/s", rate)
		// Steps count from 0, so the last is total-1.
		if left := p.total - 1 - p.step; p.total > 0 && left >= 0 {
			fmt.Fprintf(&tail, "  %s left", clock(time.Duration(float64(left)/rate*float64(time.Second))))
		}
	}
	// Metrics are shown in order of appearance while there is room; the last
	// column stays free, or some terminals would begin a new line.
	room := p.width() - 1 - utf8.RuneCountInString(tail.String())
	for _, s := range metrics {
		if strings.HasPrefix(s.name, "system/") {
			continue
		}
		part := "  " + printable(s.name) + " " + short(s.last)
		if utf8.RuneCountInString(b.String()+part) > room {
			break
		}
		b.WriteString(part)
	}
	return b.String() + tail.String()
}

// clock formats a duration as h:mm:ss or m:ss.
func clock(d time.Duration) string {
	s := int(d.Seconds() + 0.5)
	if h := s / 3600; h > 0 {
		return fmt.Sprintf("%d:%02d:%02d", h, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

func short(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

// printable keeps a name from controlling the terminal.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '?'
		}
		return r
	}, name)
}

// finishProgress clears the line and shows how each metric went.
func (l *Logger) finishProgress() {
	p := l.progress
	if p == nil {
		return
	}
	l.mu.Lock()
	var b strings.Builder
	b.WriteString("\r\x1b[K")
	width := 0
	for _, s := range l.order {
		width = max(width, utf8.RuneCountInString(s.name))
	}
	for _, s := range l.order {
		if !s.plotted || s.curve == nil || strings.HasPrefix(s.name, "system/") {
			continue
		}
		points := s.curve.points()
		low, high := limits(points)
		fmt.Fprintf(&b, "%-*s %s %s (%s … %s)\n", width, printable(s.name), sparkline(points, 32), short(s.last), short(low), short(high))
	}
	l.mu.Unlock()
	io.WriteString(p.w, b.String())
}

// limits are the least and the greatest finite value; infinities if there is none.
func limits(points []report.Point) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, p := range points {
		if !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) {
			low, high = min(low, p.Value), max(high, p.Value)
		}
	}
	return low, high
}

// sparkline draws the points, which are in order, in the given number of
// characters or fewer: the mean of each stretch, a blank where it has no
// finite value.
func sparkline(points []report.Point, width int) string {
	const bars = "▁▂▃▄▅▆▇█"
	runes := []rune(bars)
	width = min(width, len(points))
	low, high := limits(points)
	out := make([]rune, width)
	for i := range out {
		var sum, n float64
		for _, p := range points[i*len(points)/width : (i+1)*len(points)/width] {
			if !math.IsNaN(p.Value) && !math.IsInf(p.Value, 0) {
				sum += p.Value
				n++
			}
		}
		switch {
		case n == 0:
			out[i] = ' '
		case high <= low:
			out[i] = runes[0]
		default:
			out[i] = runes[min(len(runes)-1, int((sum/n-low)/(high-low)*float64(len(runes))))]
		}
	}
	return string(out)
}
