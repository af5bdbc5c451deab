package live_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/classicpage"
	"github.com/reprodl/reprodl/live"
)

// replayer makes the calls of a case.
type replayer struct {
	t       *testing.T
	api     string
	exact   bool
	git     bool // the working directory is a git repository
	clock   int64
	env     map[string]*string
	loggers map[string]*live.Logger
	inside  map[string]bool // of a context block
	logged  map[string]bool // 0.0.3: names logged in this step
	skipped map[string]bool
	number  int   // of the call, for failing
	failing []int // numbers of calls that must fail, where calls don't say so
}

func newReplayer(t *testing.T, api string, exact bool) *replayer {
	r := &replayer{t: t, api: api, exact: exact, clock: 1700000000000,
		env: make(map[string]*string), loggers: make(map[string]*live.Logger),
		inside: make(map[string]bool), logged: make(map[string]bool), skipped: make(map[string]bool)}
	for _, name := range []string{"DVCLIVE_PATH", "DVCLIVE_SUMMARY", "DVCLIVE_HTML", "DVCLIVE_RESUME", "DVCLIVE_TEST",
		"DVC_ROOT", "DVC_EXP_NAME", "DVC_EXP_BASELINE_REV"} {
		r.setenv(name, nil)
	}
	return r
}

func (r *replayer) setenv(name string, value *string) {
	if _, saved := r.env[name]; !saved {
		r.env[name] = nil
		if old, ok := os.LookupEnv(name); ok {
			r.env[name] = &old
		}
	}
	if value == nil {
		require.NoError(r.t, os.Unsetenv(name))
	} else {
		require.NoError(r.t, os.Setenv(name, *value))
	}
}

func (r *replayer) restore() {
	for name, value := range r.env {
		r.setenv(name, value)
	}
}

// goldenCall holds the fields of all calls.
type goldenCall struct {
	Call, On, Name, Kind, Path, Target string
	Key, Text, Type, Desc              string
	Options                            struct {
		Dir, Path, Report     *string
		ExpName               *string `json:"exp_name"`
		DVCYAML               json.RawMessage
		Resume, Summary, HTML *bool
		CacheImages           bool    `json:"cache_images"`
		SaveExp               *bool   `json:"save_dvc_exp"`
		Message               *string `json:"exp_message"`
		Step                  int
	}
	Value, Params, Datapoints, Predictions, Meta typed
	Labels                                       json.RawMessage
	Kwargs                                       map[string]typed
	Array                                        *struct {
		Shape []int
		DType string
		Data  []byte
	}
	X, Title, XLabel, YLabel *string
	Y                        json.RawMessage
	Template                 json.RawMessage
	Timestamp, Copy          bool
	Normalized               *bool
	Plot, Cache              *bool
	Step                     json.Number
	MS                       int64
	Exception                *string
	Expect                   struct {
		Step    json.Number
		Summary *typed
		Paths   map[string]*string
		Name    string
	}
	Raises *struct{ Type, Message string }
}

// call makes one call and says what is wrong with its result.
func (r *replayer) call(raw json.RawMessage) string {
	fixed := bytes.ReplaceAll(raw, []byte(`"x_label"`), []byte(`"XLabel"`))
	fixed = bytes.ReplaceAll(fixed, []byte(`"y_label"`), []byte(`"YLabel"`))
	var setenv struct{ Call, Name, Value *string }
	if json.Unmarshal(raw, &setenv) == nil && setenv.Call != nil && *setenv.Call == "setenv" {
		r.setenv(*setenv.Name, setenv.Value)
		return ""
	}
	var c goldenCall
	d := json.NewDecoder(bytes.NewReader(fixed))
	if err := d.Decode(&c); err != nil {
		return "cannot read the call: " + err.Error()
	}
	err := r.dispatch(&c, fixed)
	if r.exact {
		r.drain()
	}
	if wrong, ok := err.(mismatch); ok {
		return string(wrong)
	}
	if (err != nil) != (c.Raises != nil || slices.Contains(r.failing, r.number)) {
		return fmt.Sprintf("error %v, want %+v", err, c.Raises)
	}
	return ""
}

// mismatch is an observation that differs from the recorded one.
type mismatch string

func (m mismatch) Error() string { return string(m) }

func (r *replayer) drain() {
	for _, l := range r.loggers {
		l.Drain()
	}
}

// finish lets the process die.
func (r *replayer) finish() {
	for name := range r.loggers {
		r.drop(name)
	}
}

func (r *replayer) drop(name string) {
	if l := r.loggers[name]; l != nil {
		require.NoError(r.t, l.Abandon())
		delete(r.loggers, name)
		delete(r.inside, name)
	}
}

func (r *replayer) now() time.Time { return time.UnixMilli(r.clock) }

func (r *replayer) options() live.Options {
	return live.Options{Exact: r.exact, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
}

func (r *replayer) dispatch(c *goldenCall, raw []byte) error {
	if c.On == "" {
		c.On = "live"
	}
	switch c.Call {
	case "set_clock_ms":
		r.clock = c.MS
		return nil
	case "write_file":
		r.drain()
		file := filepath.FromSlash(c.Path)
		require.NoError(r.t, os.MkdirAll(filepath.Dir(file), 0o777))
		return os.WriteFile(file, []byte(c.Text), 0o666)
	case "live":
		return r.open(c)
	}
	if strings.HasPrefix(r.api, "legacy") {
		return r.legacy(c)
	}
	l := r.loggers[c.On]
	if l == nil {
		return fmt.Errorf("no logger %q", c.On)
	}
	return r.logger(l, c, raw)
}

func (r *replayer) open(c *goldenCall) error {
	r.drop(c.On)
	o := r.options()
	if c.Options.Report != nil {
		switch o.Report = live.Report(*c.Options.Report); o.Report {
		case "md", "notebook": // dvclive turns them off where matplotlib is missing
			o.Report = live.NoReport
		}
	}
	o.Resume = c.Options.Resume != nil && *c.Options.Resume
	o.CacheImages = c.Options.CacheImages
	if c.Options.ExpName != nil {
		o.ExpName = *c.Options.ExpName
	}
	if c.Options.Message != nil {
		o.ExpMessage = *c.Options.Message
	}
	switch text := string(c.Options.DVCYAML); text {
	case "", "true":
	case "null", "false":
		o.NoDVCYAML = true
	case `""`:
		return fmt.Errorf("%w: Go's empty string is the default", live.ErrOption)
	default:
		require.NoError(r.t, json.Unmarshal(c.Options.DVCYAML, &o.DVCYAML))
	}
	if r.git && (c.Options.SaveExp == nil || *c.Options.SaveExp) {
		o.Save = saveExperiment
	}
	dir := ""
	if c.Options.Dir != nil {
		dir = *c.Options.Dir
	}
	l, err := live.Open(dir, o.WithClock(r.now))
	if err == nil {
		r.loggers[c.On] = l
	}
	return err
}

// legacy makes the calls of the old module-level API.
func (r *replayer) legacy(c *goldenCall) error {
	switch c.Call {
	case "new_process":
		r.drop("live")
		clear(r.logged)
		return nil
	case "init":
		return r.openLegacy(c)
	case "render_html":
		r.drain()
		var page bytes.Buffer
		if err := classicpage.Render(&page, os.DirFS("."), c.Target); err != nil {
			return err
		}
		return os.WriteFile(c.Target+".html", page.Bytes(), 0o666)
	}
	if r.loggers["live"] == nil {
		if c.Call == "next_step" {
			return fmt.Errorf("next_step before log")
		}
		if err := r.openLegacy(c); err != nil {
			return err
		}
	}
	l := r.loggers["live"]
	switch c.Call {
	case "log":
		if n, err := c.Step.Int64(); err == nil && n != 0 {
			if r.logged[c.Name] {
				_ = l.NextStep()
				clear(r.logged)
			}
			l.SetStep(int(n))
		} else if r.logged[c.Name] {
			clear(r.logged)
		}
		r.logged[c.Name] = true
		return l.LogValue(c.Name, scalar(c.Value.val), nil)
	case "next_step":
		clear(r.logged)
		return l.NextStep()
	case "set_step":
		n, err := c.Step.Int64()
		l.SetStep(int(n))
		return err
	case "check_step":
		return r.checkStep(l, c)
	}
	return fmt.Errorf("unknown call %s", c.Call)
}

func (r *replayer) openLegacy(c *goldenCall) error {
	r.drop("live")
	o := r.options()
	o.Layout = live.Classic
	if strings.HasSuffix(r.api, "0.3.0") {
		o.Layout = live.Classic030
	}
	dir := os.Getenv("DVCLIVE_PATH")
	if dir != "" {
		o.NoSummary = os.Getenv("DVCLIVE_SUMMARY") != "1"
	}
	if c.Options.Path != nil {
		dir = *c.Options.Path
	}
	if c.Options.Summary != nil {
		o.NoSummary = !*c.Options.Summary
	}
	o.Resume = c.Options.Resume != nil && *c.Options.Resume
	l, err := live.Open(dir, o.WithClock(r.now))
	if err != nil {
		return err
	}
	if c.Options.Step != 0 {
		l.SetStep(c.Options.Step)
	}
	r.loggers["live"] = l
	return nil
}

func (r *replayer) checkStep(l *live.Logger, c *goldenCall) error {
	if want, err := c.Expect.Step.Int64(); err != nil {
		r.skipped[inexpressible["step:fraction"]] = true
	} else if got := l.Step(); int64(got) != want {
		return mismatch(fmt.Sprintf("step %d, want %d", got, want))
	}
	return nil
}
