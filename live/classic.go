package live

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/classicpage"
	"github.com/reprodl/reprodl/params/pyjson"
)

// classic is the logger of the 0.x layouts: a folder of histories, beside it a
// summary and a page.
type classic struct {
	l      *Logger
	nested bool           // layout 0.3: summary at every Log, nested names
	values *group         // of this step; of all steps in layout 0.3
	logged map[string]int // the step in which a metric was logged last; of this step only in layout 0.0.3
}

func newClassic(l *Logger) *classic {
	return &classic{l: l, nested: l.opts.Layout == Classic030, values: new(group), logged: make(map[string]int)}
}

// parse accepts what the release accepted. 0.0.3 failed for a name with a
// slash, after the name had entered the summary; other releases made folders.
func (c *classic) parse(name string) (metricName, error) {
	parsed, err := parseName(name)
	if err != nil {
		return metricName{}, err
	}
	// The column has the whole name, where DVCLive 1.0 and later have its last
	// part. Scalar.output_path of 0.3.0 then replaces what follows the last dot
	// of the name by .tsv: "acc.top5" and "acc.top1" share acc.tsv.
	parsed.header = name
	if c.nested {
		parsed.file = strings.TrimSuffix(parsed.file, pathSuffix(parsed.file))
	} else if c.l.opts.Exact {
		parsed.keys = []string{name}
	}
	return parsed, nil
}

// log requires l.mu.
func (c *classic) log(s *series, v value) error {
	l := c.l
	f, number := v.number()
	if !number {
		return fmt.Errorf("%s: %w string: the classic layout takes numbers only", s.name, ErrType)
	}
	if last, ok := c.logged[s.name]; ok && (last == l.step || !c.nested) {
		if c.nested {
			return fmt.Errorf("%w: %s at step %d", ErrLogged, s.name, l.step)
		}
		// 0.0.3 takes a metric logged twice for the start of the next step, so
		// that a loop needs no next_step() at all.
		c.nextStep()
		l.step++
	}
	c.logged[s.name] = l.step
	stored := v
	if v.kind == kindString {
		stored = value{kind: kindFloat64, bits: math.Float64bits(f)}
	}
	if err := c.summarise(c.values, s, stored); err != nil {
		return err
	}
	if l.opts.Exact && !c.nested && strings.Contains(s.name, "/") {
		return fmt.Errorf("%w: %s: release 0.0.3 makes no folders", ErrName, s.name)
	}
	l.appendRow(s, v, !l.opts.NoTimestamp)
	l.record(s, v)
	l.ended = false
	if c.nested {
		c.sync()
	}
	l.arm()
	return nil
}

// summarise stores a value.
func (c *classic) summarise(g *group, s *series, v value) error {
	for _, key := range s.keys[:len(s.keys)-1] {
		n := g.put(key)
		if n.val.kind == kindNull {
			n.val = treeOf(new(group))
		}
		if g = n.val.group(); g == nil {
			return fmt.Errorf("live: %s: %w: %s", s.name, errBelowScalar, key)
		}
	}
	n := g.put(s.keys[len(s.keys)-1])
	n.val = v
	s.leaf = n
	return nil
}

// sync takes the summary: step first, no line feed at the end.
func (c *classic) sync() {
	l := c.l
	if l.opts.NoSummary {
		return
	}
	g := new(group)
	// OrderedDict([("step", …)]) first, then dict.update by each metric's own
	// mapping, which replaces a group of the same name: lastOfGroups.
	g.put("step").val = intValue(int64(l.step))
	if c.nested && l.opts.Exact {
		c.lastOfGroups(g)
	} else {
		for _, n := range c.values.nodes {
			g.put(n.key).val = n.val
		}
	}
	l.synced = appendJSONGroup(l.synced[:0], g, 0)
	l.todo.summary = true
}

// lastOfGroups puts into the summary what release 0.3.0 kept of each
// top-level group: the metric that came last into the run.
func (c *classic) lastOfGroups(g *group) {
	for _, s := range c.l.order {
		if s.leaf == nil {
			continue
		}
		if len(s.keys) > 1 {
			g.put(s.keys[0]).val = treeOf(new(group))
		}
		_ = c.summarise(g, &series{metricName: s.metricName}, s.leaf.val)
	}
}

// nextStep requires l.mu; the caller counts the step.
func (c *classic) nextStep() {
	if !c.nested {
		c.sync()
		c.values = new(group)
	}
	clear(c.logged)
	c.l.todo.report, c.l.ended = true, false
	c.l.arm()
}

// setStep does what set_step of release 0.3.0 does besides counting: the page
// is made, as at the end of a step. That release compares the step with the one
// at which the metric was logged last, so nothing has to be forgotten here.
func (c *classic) setStep(step int) {
	if c.nested && step != c.l.step {
		c.l.todo.report = true
		c.l.arm()
	}
}

// begin writes the summary of a run of layout 0.3 that has not logged anything,
// unless that would replace an earlier run's.
func (c *classic) begin() {
	_, err := os.Stat(c.beside(".json"))
	if c.nested && !c.l.opts.Resume && (c.l.opts.Exact || errors.Is(err, fs.ErrNotExist)) {
		c.sync()
		c.l.arm()
	}
}

// latest returns the last value of every metric: the summary holds those of
// one step only. It requires l.mu.
func (c *classic) latest() *pyjson.Map {
	g := new(group)
	for _, s := range c.l.order {
		if s.leaf != nil {
			g.put(s.name).val = s.leaf.val
		}
	}
	return g.pyjson()
}

// beside returns the path of the file that is named after the folder.
func (c *classic) beside(suffix string) string { return filepath.Clean(c.l.path) + suffix }

func (c *classic) writeSummary(text []byte) error {
	return atomicfile.WriteFile(c.beside(".json"), text, nil)
}

// resume continues at the step after the summary's.
func (c *classic) resume() error {
	m, err := readJSONMap(c.beside(".json"))
	if errors.Is(err, fs.ErrNotExist) && !c.l.opts.Exact {
		return nil
	}
	if err != nil {
		return err
	}
	c.l.summary = valueOf(m).group()
	c.l.stepBack()
	if c.l.step != 0 || !c.l.opts.Exact {
		c.l.step++
	}
	c.l.summary, c.l.from = new(group), c.l.step
	if c.l.opts.Exact {
		return nil
	}
	return trimTorn(c.l.path)
}

// replaces lists what a new run removes: the histories, and for exactness the
// whole folder, as release 0.0.3 did.
func (c *classic) replaces() []string {
	var found []string
	_ = filepath.WalkDir(c.l.path, func(p string, d fs.DirEntry, err error) error {
		if err == nil && p != c.l.path && (strings.HasSuffix(p, ".tsv") || c.l.opts.Exact && !c.nested) {
			found = append(found, relPath(c.l.path, p))
		}
		return nil
	})
	if c.l.opts.Exact {
		return found
	}
	for _, name := range []string{"plots/images", "plots/custom", "plots/sklearn", "params.yaml"} {
		if _, err := os.Lstat(c.l.abs(name)); err == nil {
			found = append(found, name)
		}
	}
	return found
}

// render writes the page. DVC 2.1 did it from outside, at a signal.
func (c *classic) render() error {
	c.signal()
	var b bytes.Buffer
	dir, name := filepath.Split(filepath.Clean(c.l.path))
	if err := classicpage.Render(&b, os.DirFS(dir), name); err != nil {
		return err
	}
	return atomicfile.WriteFile(c.beside(".html"), b.Bytes(), nil)
}

// signal asks DVC 2.1, should it be running this program, for a new page.
func (c *classic) signal() {
	wd, err := os.Getwd()
	if err != nil {
		return
	}
	if root := findUp(wd, ".dvc"); root != "" {
		_ = os.WriteFile(filepath.Join(root, ".dvc", "tmp", "DVC_LIVE"), nil, 0o666)
	}
}
