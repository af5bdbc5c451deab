package pipeline

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/internal/project"
)

// Define returns the repository with stages that are declared in Go in place of
// the dvc.yaml in the working directory, which need not exist. Everything else
// is as with a file: the same dvc.lock, cache and addresses.
//
// program is the command line that runs the calling program, such as
// "go run ./cmd/pipeline"; with the name of a stage behind it, it must run
// that stage's function, as [Repo.Main] does. It is what the lock records as the command of a stage with
// Run, and what makes the dvc.yaml that [Repo.WriteProject] writes of use to
// DVC itself.
func (r *Repo) Define(program string, stages ...Stage) (*Repo, error) {
	d, err := Open(r.Dir(), &r.opts)
	if err != nil {
		return nil, err
	}
	defs := dvcyaml.NewMap()
	file := &dvcfile.File{Path: d.p.NewIndex().FromRoot(filepath.Join(r.Dir(), dvcfile.ProjectName))}
	d.funcs = map[string]Func{}
	for i := range stages {
		s := &stages[i]
		def, err := s.inFile(file, program)
		if err != nil {
			return nil, err
		}
		if _, ok := defs.Get(s.Name); ok {
			return nil, fmt.Errorf("stage '%s' is declared twice", s.Name)
		}
		defs.Set(s.Name, def.Definition())
		if s.Run != nil {
			d.funcs[s.Name] = s.Run
		}
	}
	data := dvcyaml.Marshal(dvcyaml.NewMap("stages", defs))
	d.defined = filepath.Join(r.p.Dir, dvcfile.ProjectName)
	d.p.Overlay = map[string][]byte{d.defined: data}
	// What is wrong with the declarations is found as in a file.
	x := d.p.NewIndex()
	if _, err := x.Load(x.FromRoot(d.defined)); err != nil {
		return nil, err
	}
	return d, nil
}

// WriteProject writes the stages given to [Repo.Define] as a dvc.yaml, unless
// the file has this content already. A file that is there is replaced.
// The Go code of stages is brought up to date, as by [Repo.SyncCode].
func (r *Repo) WriteProject(ctx context.Context) error {
	if r.defined == "" {
		return fmt.Errorf("no stages were declared in Go: call Define first")
	}
	x := r.p.NewIndex()
	if _, err := x.Load(x.FromRoot(r.defined)); err != nil {
		return err
	}
	files, err := code(ctx, x)
	if err != nil {
		return err
	}
	if _, err := r.writeCode(files); err != nil {
		return err
	}
	data, ok := files[r.defined]
	if !ok {
		data = r.p.Overlay[r.defined]
	}
	_, err = atomicfile.WriteFileIfChanged(r.defined, data, nil)
	return err
}

// RunStage runs the function of a stage given to [Repo.Define], and nothing
// else: no check, no record.
func (r *Repo) RunStage(ctx context.Context, name string) error {
	f := r.funcs[name]
	if f == nil {
		return &project.NotFoundError{Name: name, File: dvcfile.ProjectName}
	}
	return f(ctx)
}
