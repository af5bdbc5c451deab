package pipeline

import (
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/object"
)

// stage is a stage of a dvc.yaml, or a .dvc file, with what is recorded of it.
type stage struct {
	repo *Repo
	addr string // as shown: "train", "sub/dvc.yaml:train", "data.dvc"
	file string // the dvc.yaml or .dvc file, from the root, slashes
	name string // in the dvc.yaml; "" for a .dvc file

	cmd    dvcfile.Cmd
	wdir   string // absolute
	deps   []*dependency
	params []*paramsDep
	outs   []*output

	frozen bool
	always bool

	project  *dvcfile.File // of a stage
	def      *dvcfile.Stage
	dot      *dvcfile.DotDVC    // of a .dvc file
	recorded *dvcfile.LockStage // nil when the lock has no entry
}

// path is a file or directory that a stage declares.
type declared struct {
	path string // as written in the stage
	abs  string
	show string // as messages show it
}

// dependency is a file or directory that a stage reads. rec is what the lock
// says; its hash is zero when nothing is recorded.
type dependency struct {
	declared
	rec object.Meta
}

// paramsDep is a parameter file that a stage reads. rec is nil when nothing is
// recorded.
type paramsDep struct {
	declared
	keys []string // dotted; none = the whole file
	rec  *dvcyaml.Map
	data []byte // what the file is to hold; nil = what it holds
}

// output is a file or directory that a stage writes.
type output struct {
	declared
	dvcfile.Out
	rec    object.Meta
	inRepo bool
	data   bool // of a .dvc file
}

func (o *output) isMetric() bool { return o.Kind == dvcfile.Metric }
func (o *output) isPlot() bool   { return o.Kind == dvcfile.Plot }

// cached reports whether the cache keeps the content.
func (o *output) cached() bool { return !o.NoCache }

// gitIgnored reports whether git must not see the output.
func (o *output) gitIgnored() bool { return o.cached() && o.inRepo }

// isDVC reports a .dvc file.
func (s *stage) isDVC() bool { return s.dot != nil }

// isCallback reports a command with neither inputs nor outputs, which counts
// as changed always.
func (s *stage) isCallback() bool {
	return !s.cmd.IsZero() && len(s.deps) == 0 && len(s.params) == 0 && len(s.outs) == 0
}

// cmdChanged reports whether the lock has an entry with another command.
func (s *stage) cmdChanged() bool {
	return !s.isDVC() && s.recorded != nil && !s.recorded.Cmd.Equal(s.cmd)
}

// String is how DVC names a stage within a sentence.
func (s *stage) String() string { return "stage: '" + s.addr + "'" }

// address is the name of a stage for the user.
func (r *Repo) address(file, name string) string {
	show := filepath.ToSlash(r.rel(r.abs(file)))
	switch {
	case name == "":
		return show
	case show == dvcfile.ProjectName:
		return name
	}
	return show + ":" + name
}

// abs is a path from the root, with slashes, as an absolute one.
func (r *Repo) abs(path string) string {
	path = filepath.FromSlash(path)
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(r.root, path)
}

// inRepo reports whether an absolute path lies in the repository.
func (r *Repo) inRepo(abs string) bool {
	rest, ok := strings.CutPrefix(abs, r.root)
	return ok && (rest == "" || rest[0] == filepath.Separator)
}

// declare places a path of a stage, written relative to dir (absolute).
func (r *Repo) declare(path, abs string) declared {
	d := declared{path: path, abs: abs, show: path}
	switch {
	case filepath.IsAbs(filepath.FromSlash(path)):
	case !r.inRepo(abs):
		d.show = abs
	default:
		d.show = r.rel(abs)
	}
	return d
}

// newStage makes the stage of a declaration in a dvc.yaml.
func (r *Repo) newStage(file *dvcfile.File, def *dvcfile.Stage) *stage {
	s := &stage{
		repo: r, addr: r.address(file.Path, def.Name), file: file.Path, name: def.Name,
		cmd: def.Cmd, wdir: r.abs(def.Wdir), frozen: def.Frozen, always: def.AlwaysChanged,
		project: file, def: def,
	}
	for _, path := range def.Deps {
		s.deps = append(s.deps, &dependency{declared: r.declare(path, r.abs(def.Path(path)))})
	}
	for _, p := range def.Params {
		s.params = append(s.params, &paramsDep{declared: r.declare(p.Path, r.abs(def.Path(p.Path))), keys: p.Keys})
	}
	for _, out := range def.Outs {
		s.outs = append(s.outs, r.newOutput(out, r.abs(def.Path(out.Path))))
	}
	s.setRecorded(file.Lock.Stage(def.Name))
	return s
}

func (r *Repo) newOutput(out dvcfile.Out, abs string) *output {
	return &output{declared: r.declare(out.Path, abs), Out: out, inRepo: r.inRepo(abs)}
}

// setRecorded fills in what the lock says of the stage.
func (s *stage) setRecorded(entry *dvcfile.LockStage) {
	s.recorded = entry
	if entry == nil {
		return
	}
	for _, d := range s.deps {
		if e := dvcfile.Entry(entry.Deps, d.path); e != nil {
			d.rec = e.Meta
		}
	}
	for _, o := range s.outs {
		if e := dvcfile.Entry(entry.Outs, o.path); e != nil {
			o.rec = e.Meta
		}
	}
	for _, p := range s.params {
		for _, rec := range entry.Params {
			if rec.File == p.path {
				p.record(rec.Values)
			}
		}
	}
}

// record takes over the values of the keys that the stage declares now.
func (p *paramsDep) record(values *dvcyaml.Map) {
	if len(p.keys) == 0 {
		p.rec = values
		return
	}
	p.rec = dvcyaml.NewMap()
	for _, key := range p.keys {
		if v, ok := values.Get(key); ok {
			p.rec.Set(key, v)
		}
	}
}

// newDataStage makes the stage of a .dvc file.
func (r *Repo) newDataStage(dot *dvcfile.DotDVC) *stage {
	s := &stage{
		repo: r, addr: r.address(dot.Path, ""), file: dot.Path, wdir: r.abs(dot.Wdir),
		frozen: dot.Frozen, always: dot.AlwaysChanged, dot: dot,
	}
	for i := range dot.Outs {
		o := r.newOutput(dot.Outs[i].Out, r.abs(dot.OutPath(i)))
		o.rec, o.data = dot.Outs[i].Entry.Meta, true
		s.outs = append(s.outs, o)
	}
	return s
}
