package live

import (
	"cmp"
	"fmt"
	"io/fs"
	"mime"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/report"
	"github.com/reprodl/reprodl/params/pyjson"
)

// The report is made again at most every reportPause, and rests ten times as
// long as it took to make.
const reportPause = 2 * time.Second

// maxImages bounds the bytes of images in a report; of more, the latest are
// shown.
const maxImages = 32 << 20

// reporter makes the report in a goroutine of its own, so that neither
// NextStep nor the writer waits for it.
type reporter struct {
	l          *Logger
	wake       chan struct{}
	quit, done chan struct{}
	asked      atomic.Bool // something has happened that the last report lacks
	mu         sync.Mutex  // held while a report is made
	warned     bool
	opened     bool
}

// initReport starts the reporter of a logger that keeps a report.
func (l *Logger) initReport() {
	if l.opts.Report == NoReport {
		return
	}
	l.report = &reporter{l: l, wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	go l.report.run()
}

// run makes a report whenever one was asked for and then rests. wake holds one
// request: those that come meanwhile are served by one report.
func (r *reporter) run() {
	defer close(r.done)
	for {
		select {
		case <-r.wake:
		case <-r.quit:
			return
		}
		start := time.Now()
		r.update(false)
		select {
		case <-time.After(max(r.pause(), 10*time.Since(start))):
		case <-r.quit:
			return
		}
	}
}

// pause is the least time from one report to the next.
func (r *reporter) pause() time.Duration {
	if r.l.classic != nil {
		return time.Second // as DVC 2.1
	}
	return reportPause
}

// kick asks for a new report.
func (r *reporter) kick() {
	if r == nil {
		return
	}
	r.asked.Store(true)
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// update makes the report and says once what keeps it from being made. The
// rendering may not stop the training, not even by a panic.
func (r *reporter) update(final bool) (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	// Whoever waited for the lock may come late: the last report is not
	// replaced by one that says that the run goes on.
	if !r.asked.Swap(false) && !final {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("live: report: %v", p)
		}
		if err != nil && !r.warned {
			r.warned = true
			r.l.slog.Warn("live: no report could be made", "dir", r.l.dir, "err", err)
		}
	}()
	if r.l.classic != nil && r.l.opts.Exact {
		return r.l.classic.render()
	}
	page := r.l.page()
	if r.l.opts.Report == MarkdownReport {
		return r.l.markdown(page)
	}
	// The last page does not load itself again.
	if !final {
		page.Reload = r.pause()
	}
	f, err := atomicfile.Create(r.l.reportPath(), nil)
	if err != nil {
		return err
	}
	defer f.Cleanup()
	if err := page.Render(f); err != nil {
		return err
	}
	if err := f.Commit(); err != nil {
		return err
	}
	r.open()
	return nil
}

// reportPath is the absolute path of the report.
func (l *Logger) reportPath() string {
	if l.classic != nil {
		return l.classic.beside(".html")
	}
	return l.abs("report.html")
}

// finishReport makes the last report.
func (l *Logger) finishReport() {
	if l.report != nil && l.hasOutput() {
		l.warn(l.report.update(true))
	}
}

// hasOutput reports whether the directory is this run's.
func (l *Logger) hasOutput() bool {
	l.io.Lock()
	defer l.io.Unlock()
	return l.files.ready
}

// stopReport ends the reporter.
func (l *Logger) stopReport() {
	if l.report != nil {
		close(l.report.quit)
		<-l.report.done
	}
}

// MakeReport makes the report at once.
func (l *Logger) MakeReport() error {
	if l.report == nil {
		return nil
	}
	if err := l.touch(); err != nil {
		return err
	}
	l.io.Unlock()
	l.report.asked.Store(true)
	return l.report.update(false)
}

// page collects what the report shows.
func (l *Logger) page() *report.Page {
	p := &report.Page{Title: filepath.Base(l.path)}
	if !l.opts.NoTimestamp {
		p.Updated = l.opts.now()
	}
	l.io.Lock()
	p.Params = l.files.content.params.Clone()
	plots := slices.Clone(l.files.content.plots)
	l.io.Unlock()

	l.mu.Lock()
	p.Summary, p.Step = l.summary.pyjson(), l.step
	if l.classic != nil {
		p.Summary = l.classic.latest()
	}
	all := slices.Clone(l.order)
	l.mu.Unlock()
	for _, s := range all {
		l.mu.Lock() // for one metric at a time: Log may be waiting
		if s.plotted && s.curve != nil {
			p.Curves = append(p.Curves, report.Curve{Name: s.name,
				Series: []report.Series{{Points: s.curve.points(), Count: s.curve.count}}})
		}
		l.mu.Unlock()
	}
	slices.SortStableFunc(p.Curves, func(a, b report.Curve) int { return strings.Compare(a.Name, b.Name) })
	for _, plot := range plots {
		p.Plots = append(p.Plots, l.reportPlot(plot))
	}
	p.Images = l.reportImages()
	return p
}

// reportPlot reads the data of a plot back.
func (l *Logger) reportPlot(p *plot) report.Plot {
	out := report.Plot{Name: strings.TrimSuffix(path.Base(p.file), ".json"), Template: p.Template, X: p.X,
		Y: p.Ys, Title: p.Title, XLabel: p.XLabel, YLabel: p.YLabel}
	if p.Ys == nil {
		out.Y = []string{p.Y}
	}
	data, err := os.ReadFile(l.abs(p.file))
	if err != nil {
		return out
	}
	x, err := pyjson.Decode(p.file, data)
	if m, ok := x.(*pyjson.Map); ok && err == nil && m.Len() == 1 {
		_, x = m.At(0) // the curves of scikit-learn are under a key
	}
	list, _ := x.([]any)
	for _, point := range list {
		if m, ok := point.(*pyjson.Map); ok {
			out.Data = append(out.Data, m)
		}
	}
	return out
}

// reportImages reads the images back, the latest first while there is room for
// them, and returns them by name.
func (l *Logger) reportImages() []report.Image {
	type found struct {
		name string
		info fs.FileInfo
	}
	var files []found
	dir := os.DirFS(l.abs("plots/images"))
	_ = fs.WalkDir(dir, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && slices.Contains(imageSuffixes, path.Ext(p)) {
			if info, err := d.Info(); err == nil {
				files = append(files, found{p, info})
			}
		}
		return nil
	})
	slices.SortFunc(files, func(a, b found) int {
		return cmp.Or(b.info.ModTime().Compare(a.info.ModTime()), strings.Compare(a.name, b.name))
	})
	var images []report.Image
	room := int64(maxImages)
	for _, f := range files {
		if room -= f.info.Size(); room < 0 {
			break
		}
		if data, err := fs.ReadFile(dir, f.name); err == nil {
			images = append(images, report.Image{Name: f.name, Type: mime.TypeByExtension(path.Ext(f.name)), Data: data})
		}
	}
	slices.SortFunc(images, func(a, b report.Image) int { return strings.Compare(a.Name, b.Name) })
	return images
}
