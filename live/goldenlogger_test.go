package live_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/live"
	"github.com/reprodl/reprodl/params/ordered"
)

// logger makes the calls of the 3.x API on one logger.
func (r *replayer) logger(l *live.Logger, c *goldenCall, raw []byte) error {
	switch c.Call {
	case "log_metric":
		return l.LogValue(c.Name, scalar(c.Value.val),
			&live.MetricOptions{Timestamp: c.Timestamp, NoPlot: c.Plot != nil && !*c.Plot})
	case "log_param":
		return l.LogParam(c.Name, refuseNumpy(c.Value.val))
	case "log_params":
		return l.LogParams(refuseNumpy(c.Params.val))
	case "log_image":
		return logImage(l, c)
	case "log_plot":
		return r.logPlot(l, c, raw)
	case "log_sklearn_plot":
		return r.logSklearn(l, c)
	case "log_artifact":
		return l.LogArtifact(context.Background(), c.Path, &live.ArtifactOptions{Type: c.Type, Name: c.Name, Desc: c.Desc,
			Labels: labels(c), Meta: meta(c), Copy: c.Copy, NoCache: c.Cache != nil && !*c.Cache})
	case "next_step":
		return l.NextStep()
	case "sync":
		l.Sync()
		return nil
	case "make_summary":
		return l.MakeSummary()
	case "make_report":
		return l.MakeReport()
	case "make_dvcyaml":
		return l.MakeDVCYAML()
	case "end":
		if r.inside[c.On] {
			return nil
		}
		return finish(l)
	case "set_step":
		n, err := c.Step.Int64()
		if err != nil {
			r.skipped[inexpressible["step:fraction"]] = true
			return nil
		}
		l.SetStep(int(n))
		return nil
	case "set_summary":
		return l.SetSummary(c.Key, unwrap(c.Value.val))
	case "enter":
		r.inside[c.On] = true
		return nil
	case "exit":
		r.inside[c.On] = false
		return finish(l)
	case "abandon":
		r.drop(c.On)
		return nil
	case "check_step":
		return r.checkStep(l, c)
	case "check_summary":
		return checkSummary(l, c)
	case "check_paths":
		return checkPaths(l, c)
	case "check_exp":
		return checkExp(c)
	}
	return fmt.Errorf("unknown call %s", c.Call)
}

// labels are plain strings of an artifact.
func labels(c *goldenCall) (list []string) {
	if json.Unmarshal(c.Labels, &list) != nil {
		return nil
	}
	return list
}

func meta(c *goldenCall) *ordered.Map {
	m, _ := c.Meta.val.(*ordered.Map)
	return m
}

func logImage(l *live.Logger, c *goldenCall) error {
	switch {
	case c.Path != "":
		return l.LogImageFile(c.Name, c.Path)
	case c.Array == nil:
		return l.LogPixels(c.Name, c.Value.val)
	}
	data := c.Array.Data
	switch c.Array.DType {
	case "uint8":
		return l.LogPixels(c.Name, data, c.Array.Shape...)
	case "bool":
		bits := make([]bool, len(data))
		for i, b := range data {
			bits[i] = b != 0
		}
		return l.LogPixels(c.Name, bits, c.Array.Shape...)
	case "uint16":
		words := make([]uint16, len(data)/2)
		for i := range words {
			words[i] = binary.LittleEndian.Uint16(data[2*i:])
		}
		return l.LogPixels(c.Name, words, c.Array.Shape...)
	}
	return l.LogPixels(c.Name, make([]complex128, len(data)), c.Array.Shape...)
}

func (r *replayer) logPlot(l *live.Logger, c *goldenCall, raw []byte) error {
	p := live.Plot{X: text(c.X), Title: text(c.Title), XLabel: text(c.XLabel), YLabel: text(c.YLabel)}
	if json.Unmarshal(c.Y, &p.Y) != nil {
		if err := json.Unmarshal(c.Y, &p.Ys); err != nil {
			return err
		}
	}
	switch t := string(c.Template); {
	case t == "null" || t == `""` || t == "" && strings.Contains(string(raw), `"template"`):
		p.Template = live.NoTemplate
	case t != "":
		if err := json.Unmarshal(c.Template, &p.Template); err != nil {
			return err
		}
	}
	return l.LogPlot(c.Name, refuseNumpy(c.Datapoints.val), p)
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (r *replayer) logSklearn(l *live.Logger, c *goldenCall) error {
	o := &live.SklearnOptions{Name: c.Name, Title: text(c.Title), XLabel: text(c.XLabel), YLabel: text(c.YLabel),
		Normalized: c.Normalized != nil && *c.Normalized}
	for name, v := range c.Kwargs {
		switch name {
		case "drop_intermediate":
			drop, _ := v.val.(bool)
			o.DropIntermediate, o.KeepIntermediate = drop, !drop
		case "n_bins":
			n, _ := v.val.(int64)
			o.Bins = int(n)
		case "strategy":
			o.Quantile = v.val == "quantile"
		default:
			return fmt.Errorf("unknown argument %s", name)
		}
	}
	var labels typed
	if err := json.Unmarshal(c.Labels, &labels); err != nil {
		return err
	}
	return l.LogSklearnPlot(live.SklearnPlot(c.Kind), unwrap(labels.val), unwrap(c.Predictions.val), o)
}

// finish ends a run. What DVCLive only warns of is no failure here.
func finish(l *live.Logger) error {
	err := l.End(context.Background())
	if errors.Is(err, live.ErrSkipped) {
		return nil
	}
	return err
}

func checkSummary(l *live.Logger, c *goldenCall) error {
	want, err := live.JSON(unwrap(c.Expect.Summary.val))
	if err != nil {
		return err
	}
	if got := l.SummaryJSON(); got != want {
		return mismatch(fmt.Sprintf("summary %s, want %s", got, want))
	}
	return nil
}

func checkPaths(l *live.Logger, c *goldenCall) error {
	got := map[string]string{
		"dir": l.Dir(), "params_file": l.ParamsFile(), "metrics_file": l.MetricsFile(), "dvc_file": l.DVCFile(),
		"plots_dir": l.PlotsDir(), "artifacts_dir": l.ArtifactsDir(), "report_file": l.ReportFile(),
	}
	for name, want := range c.Expect.Paths {
		if got[name] != text(want) {
			return mismatch(fmt.Sprintf("%s is %q, want %q", name, got[name], text(want)))
		}
	}
	return nil
}

// saveExperiment is the function that a caller of both packages writes.
func saveExperiment(ctx context.Context, name, message string, files []string) error {
	repo, err := experiment.Open(".", nil)
	if err != nil {
		return err
	}
	defer repo.Close()
	_, err = repo.Save(ctx, &experiment.SaveOptions{Name: name, Message: message, Force: true, Untracked: files})
	return err
}

// checkExp looks for the reference of the experiment. What its commit holds is
// package experiment's to test.
func checkExp(c *goldenCall) error {
	out, err := exec.Command("git", "for-each-ref", "--format=%(refname)", "refs/exps").Output()
	if err != nil {
		return err
	}
	for ref := range strings.FieldsSeq(string(out)) {
		if strings.Count(ref, "/") == 4 && (c.Expect.Name == "" || strings.HasSuffix(ref, "/"+c.Expect.Name)) {
			return nil
		}
	}
	return mismatch(fmt.Sprintf("no experiment %q in %q", c.Expect.Name, out))
}
