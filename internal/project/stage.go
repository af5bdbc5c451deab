package project

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/object"
)

// Stage is a stage of a dvc.yaml, or a .dvc file, with what is recorded of it.
type Stage struct {
	Repo *Repo
	Addr string // as shown: "train", "sub/dvc.yaml:train", "data.dvc"
	File string // the dvc.yaml or .dvc file, from the root, slashes
	Name string // in the dvc.yaml; "" for a .dvc file

	Cmd    dvcfile.Cmd
	Wdir   string // absolute
	Deps   []*Dependency
	Params []*ParamsDep
	Outs   []*Output

	Frozen bool
	Always bool

	Project  *dvcfile.File // of a stage
	Def      *dvcfile.Stage
	Dot      *dvcfile.DotDVC    // of a .dvc file
	Recorded *dvcfile.LockStage // nil when the lock has no entry
}

// path is a file or directory that a stage declares.
type Declared struct {
	Written string // as written in the stage
	Abs     string
	Show    string // as messages show it
}

// Dependency is a file or directory that a stage reads, or what an import comes
// from. Rec is what the lock or .dvc file says; it has no checksum when nothing is
// recorded.
type Dependency struct {
	Declared
	Rec dvcfile.LockEntry
	// Origin is set for what is no file of this machine; Abs is empty then.
	Origin Origin
}

// ParamsDep is a parameter file that a stage reads. rec is nil when nothing is
// recorded.
type ParamsDep struct {
	Declared
	keys []string // dotted; none = the whole file
	Rec  *dvcyaml.Map
	data []byte // what the file is to hold; nil = what it holds
}

// Output is a file or directory that a stage writes.
type Output struct {
	Declared
	dvcfile.Out
	Rec    object.Meta
	InRepo bool
	Data   bool        // of a .dvc file
	From   *Dependency // of an import: where the content comes from
	// Entry is what the lock or .dvc file says of it; nil = nothing.
	Entry *dvcfile.LockEntry
}

// WarnUnknown says, in DVC's words, that no run has recorded an output, so that there is
// nothing to bring.
func (o *Output) WarnUnknown(log *slog.Logger) {
	log.Warn(fmt.Sprintf("No file hash info found for '%s'. It won't be created.", o.Abs))
}

// IsMetric reports an output of the section metrics.
func (o *Output) IsMetric() bool { return o.Kind == dvcfile.Metric }

// IsPlot reports an output of the section plots.
func (o *Output) IsPlot() bool { return o.Kind == dvcfile.Plot }

// Cached reports whether the cache keeps the content.
func (o *Output) Cached() bool { return !o.NoCache }

// GitIgnored reports whether git must not see the output.
func (o *Output) GitIgnored() bool { return o.Cached() && o.InRepo }

// IsDVC reports a .dvc file.
func (s *Stage) IsDVC() bool { return s.Dot != nil }

// IsCallback reports a command with neither inputs nor outputs, which counts
// as changed always.
func (s *Stage) IsCallback() bool {
	return !s.Cmd.IsZero() && len(s.Deps) == 0 && len(s.Params) == 0 && len(s.Outs) == 0
}

// CmdChanged reports whether the lock has an entry with another command.
func (s *Stage) CmdChanged() bool {
	return !s.IsDVC() && s.Recorded != nil && !s.Recorded.Cmd.Equal(s.Cmd)
}

// String is how DVC names a stage within a sentence.
func (s *Stage) String() string { return "stage: '" + s.Addr + "'" }

// address is the name of a stage for the user.
func (r *Repo) address(file, name string) string {
	show := filepath.ToSlash(r.Rel(r.Abs(file)))
	switch {
	case name == "":
		return show
	case show == dvcfile.ProjectName:
		return name
	}
	return show + ":" + name
}

// Abs is a path from the root, with slashes, as an absolute one.
func (r *Repo) Abs(path string) string {
	path = filepath.FromSlash(path)
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(r.Root, path)
}

// InRepo reports whether an absolute path lies in the repository.
func (r *Repo) InRepo(abs string) bool {
	rest, ok := strings.CutPrefix(abs, r.Root)
	return ok && (rest == "" || rest[0] == filepath.Separator)
}

// declare places a path of a stage, written relative to dir (absolute).
// Show is what DVC's str(out) is: as written if absolute, absolute if outside, or
// else relative to the working directory.
func (r *Repo) declare(path, abs string) Declared {
	d := Declared{Written: path, Abs: abs, Show: path}
	switch {
	case filepath.IsAbs(filepath.FromSlash(path)):
	case !r.InRepo(abs):
		d.Show = abs
	default:
		d.Show = r.Rel(abs)
	}
	return d
}

// NewStage makes the stage of a declaration in a dvc.yaml.
func (r *Repo) NewStage(file *dvcfile.File, def *dvcfile.Stage) *Stage {
	s := &Stage{
		Repo: r, Addr: r.address(file.Path, def.Name), File: file.Path, Name: def.Name,
		Cmd: def.Cmd, Wdir: r.Abs(def.Wdir), Frozen: def.Frozen, Always: def.AlwaysChanged,
		Project: file, Def: def,
	}
	for _, path := range def.Deps {
		s.Deps = append(s.Deps, r.newDependency(dvcfile.LockEntry{Path: path}, def.Wdir))
	}
	for _, p := range def.Params {
		s.Params = append(s.Params, &ParamsDep{Declared: r.declare(p.Path, r.Abs(def.Path(p.Path))), keys: p.Keys})
	}
	for _, out := range def.Outs {
		s.Outs = append(s.Outs, r.NewOutput(out, r.Abs(def.Path(out.Path))))
	}
	s.setRecorded(file.Lock.Stage(def.Name))
	return s
}

// NewOutput places an output of a file.
func (r *Repo) NewOutput(out dvcfile.Out, abs string) *Output {
	if IsURL(out.Path) {
		return &Output{Declared: Declared{Written: out.Path, Abs: abs, Show: out.Path}, Out: out}
	}
	return &Output{Declared: r.declare(out.Path, abs), Out: out, InRepo: r.InRepo(abs)}
}

// setRecorded fills in what the lock says of the stage.
func (s *Stage) setRecorded(entry *dvcfile.LockStage) {
	s.Recorded = entry
	if entry == nil {
		return
	}
	for _, d := range s.Deps {
		// Entries belong by the path as it is written: who writes it in another way has
		// nothing recorded.
		if e := dvcfile.Entry(entry.Deps, d.Written); e != nil {
			d.Rec = *e
		}
	}
	for _, o := range s.Outs {
		if e := dvcfile.Entry(entry.Outs, o.Written); e != nil {
			o.Rec, o.Entry = e.Meta, e
			s.Repo.notePlaces(s.Repo.FromRoot(o.Abs), e)
		}
	}
	for _, p := range s.Params {
		for _, rec := range entry.Params {
			if rec.File == p.Written {
				p.record(rec.Values)
			}
		}
	}
}

// record takes over the values of the keys that the stage declares now.
func (p *ParamsDep) record(values *dvcyaml.Map) {
	if len(p.keys) == 0 {
		p.Rec = values
		return
	}
	// A key that the lock doesn't have is left out, and compares as new.
	p.Rec = dvcyaml.NewMap()
	for _, key := range p.keys {
		if v, ok := values.Get(key); ok {
			p.Rec.Set(key, v)
		}
	}
}

// NewDataStage makes the stage of a .dvc file.
func (r *Repo) NewDataStage(dot *dvcfile.DotDVC) *Stage {
	s := &Stage{
		Repo: r, Addr: r.address(dot.Path, ""), File: dot.Path, Wdir: r.Abs(dot.Wdir),
		Frozen: dot.Frozen, Always: dot.AlwaysChanged, Dot: dot,
	}
	for i := range dot.Outs {
		o := r.NewOutput(dot.Outs[i].Out, r.Abs(dot.OutPath(i)))
		o.Rec, o.Data, o.Entry = dot.Outs[i].Entry.Meta, true, &dot.Outs[i].Entry
		r.notePlaces(r.FromRoot(o.Abs), o.Entry)
		s.Outs = append(s.Outs, o)
	}
	for i := range dot.Deps {
		d := r.newDependency(dot.Deps[i].Entry, dot.Wdir)
		d.Rec = dot.Deps[i].Entry
		s.Deps = append(s.Deps, d)
	}
	if s.IsImport() {
		s.Outs[0].From = s.Deps[0]
	}
	return s
}
