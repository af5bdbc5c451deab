package pipeline

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/dvcyaml"
	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/params/pyjson"
)

// ModifyPlot changes how an output of a stage is shown: properties such as
// template, x, y and title are set, and others are removed, in the dvc.yaml. An
// output that is no plot becomes one, unless properties are to be removed from it.
func (r *Repo) ModifyPlot(ctx context.Context, path string, set *params.Map, unset ...string) error {
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	s, o, err := r.p.NewIndex().Owner(r.p.UserPath(path))
	if err != nil {
		return err
	}
	if o == nil || o.Abs != r.p.UserPath(path) {
		return fmt.Errorf("Unable to find DVC file with output '%s'", path)
	}
	if s.IsDVC() {
		return fmt.Errorf("'%s' is of '%s': only outputs of stages in a dvc.yaml are plots", path, s.Addr)
	}
	at := slices.IndexFunc(s.Def.Outs, func(d dvcfile.Out) bool { return d.Path == o.Written })
	def := &s.Def.Outs[at]
	if def.Kind != dvcfile.Plot && len(unset) > 0 {
		return fmt.Errorf("'%s' is not a known plot. Use `dvc plots modify` to turn it into one.", path)
	}
	props := dvcyaml.NewMap()
	for k, v := range def.Props.All() {
		props.Set(k, v)
	}
	var missing []any
	for _, key := range unset {
		if _, ok := props.Get(key); !ok {
			missing = append(missing, key)
		}
		props.Delete(key)
	}
	if len(missing) > 0 {
		return fmt.Errorf("display properties %s not found in plot '%s'", pyjson.Str(missing), path)
	}
	for k, v := range set.All() {
		props.Set(k, v)
	}
	def.Kind, def.Props = dvcfile.Plot, props
	abs := r.p.Abs(s.File)
	data, err := os.ReadFile(abs)
	if err != nil {
		return err
	}
	if data, err = dvcfile.WriteStage(r.p.Rel(abs), data, s.Def); err != nil {
		return err
	}
	r.p.Log.Info(fmt.Sprintf("Modifying stage '%s' in '%s'", s.Name, r.p.Rel(abs)))
	_, err = atomicfile.WriteFileIfChanged(abs, data, r.p.ViaTemp(true))
	return err
}
