package live

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"
)

// DefaultLag is how long the files may lag behind the calls, see [Options].
const DefaultLag = 200 * time.Millisecond

// Report is the kind of report a logger keeps up to date.
type Report string

// The reports. The HTML one is a page that shows everything; the environment
// variable DVCLIVE_OPEN opens it in a browser. The Markdown one, with its
// curves as SVG images beside it, is for a pull request. DVCLive's notebook
// reports are refused.
const (
	NoReport       Report = ""
	HTMLReport     Report = "html" // DIR/report.html
	MarkdownReport Report = "md"   // DIR/report.md
)

// Layout names the files a logger writes.
type Layout int

const (
	// DVCLive3 is the layout of DVCLive 1.0 and later: dvclive/metrics.json,
	// dvclive/plots/metrics/NAME.tsv, params.yaml, dvc.yaml.
	DVCLive3 Layout = iota
	// Classic is the layout of DVCLive 0.0.3 (May 2021): logs/NAME.tsv,
	// logs.json and logs.html.
	Classic
	// Classic030 is the layout of DVCLive 0.3.0 (October 2021): as Classic,
	// with the summary written at every Log and nested names.
	Classic030
)

// SaveFunc saves what a run left in the working tree as an experiment. It is
// called once, by [Logger.End], after the last file has been written. Files
// lists, relative to the working directory and with slashes, what belongs to
// the experiment even if git doesn't track it. Empty name or message leave the
// choice to the function.
type SaveFunc func(ctx context.Context, name, message string, files []string) error

// Options change how a logger works. Nil, and the zero value, mean what
// DVCLive does by default, except that no experiment is saved.
type Options struct {
	// Resume goes on where an earlier run in the directory stopped. The
	// environment variable DVCLIVE_RESUME has the same effect.
	Resume bool
	// Report keeps DIR/report.html or DIR/report.md up to date while the run
	// goes on.
	Report Report
	// DVCYAML is the path of the dvc.yaml that tells DVC where the files are;
	// empty means "dvc.yaml" in the working directory. NoDVCYAML turns it off.
	DVCYAML   string
	NoDVCYAML bool
	// CacheImages puts plots/images under DVC when the run ends.
	CacheImages bool
	// Save, if not nil, saves the run as a DVC experiment when it ends, under
	// the name ExpName (or DVC_EXP_NAME) and with the message ExpMessage.
	// Inside a DVC pipeline it isn't called: DVC saves the experiment itself.
	Save       SaveFunc
	ExpName    string
	ExpMessage string
	// Monitor, if not nil, logs the use of processor, memory and disk. Only
	// Linux has it.
	Monitor *Monitor
	// Lag bounds how long the files may lag behind the calls: a killed process
	// loses at most what it logged within the last Lag, plus the time of the
	// one write that was under way. Zero means DefaultLag; negative means that
	// NextStep returns when the files are written.
	Lag time.Duration
	// Layout chooses other files than DVCLive 3's.
	Layout Layout
	// NoSummary leaves out logs.json. Only for the classic layouts, in which
	// the HTMLReport is logs.html. It shows images and plots too, which the
	// releases of that time did not have; they lie where DVCLive 3 has them.
	NoSummary bool
	// NoTimestamp leaves the time out of the histories of the classic layouts,
	// and out of the report: what is logged then decides every byte.
	NoTimestamp bool
	// Exact copies DVCLive's behaviour even where it loses data or surprises;
	// the package documentation lists the differences.
	Exact bool
	// Sinks also receive what is logged.
	Sinks []Sink
	// Progress, if it is a terminal, shows a line with step, metrics, rate and
	// time left, and a summary at the end. Steps is the expected number of
	// steps, 0 if unknown.
	Progress io.Writer
	Steps    int
	// Logger receives notices and warnings; nil discards them, unless the
	// environment variable DVCLIVE_LOGLEVEL asks for them on standard error.
	// What was asked for and is not done is an error of Close in any case.
	Logger *slog.Logger

	now func() time.Time // the clock of timestamps; nil means time.Now
}

// check refuses what would fail later, before anything is written.
func (o *Options) check() error {
	switch {
	case o.Report != NoReport && o.Report != HTMLReport && o.Report != MarkdownReport:
		return fmt.Errorf("%w: report %q: use %q, %q or none", ErrOption, o.Report, HTMLReport, MarkdownReport)
	case o.Report == MarkdownReport && o.Layout != DVCLive3:
		return fmt.Errorf("%w: the classic layouts have an HTML report only", ErrOption)
	case o.Layout < DVCLive3 || o.Layout > Classic030:
		return fmt.Errorf("%w: layout %d", ErrOption, o.Layout)
	case o.DVCYAML != "" && filepath.Base(o.DVCYAML) != "dvc.yaml":
		return fmt.Errorf("%w: DVC reads only files named dvc.yaml, not %q", ErrOption, o.DVCYAML)
	}
	if o.Monitor != nil {
		return o.Monitor.check()
	}
	return nil
}
