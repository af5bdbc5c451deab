package experiment

import (
	"os"
	"path"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/dvcfile"
)

// maxLive is the largest metrics file that is told of while a plan runs.
const maxLive = 256 << 10

// LiveMetrics returns the metrics files that a plan has written so far, by their
// paths from the root, while [Repo.Execute] runs it in some process.
func (r *Repo) LiveMetrics(id string) map[string][]byte {
	dirs, _ := filepath.Glob(filepath.Join(r.planDir(), id+"-*"))
	files := map[string][]byte{}
	for _, dir := range dirs {
		if filepath.Ext(dir) == lockSuffix {
			continue
		}
		w := &work{repo: r, root: filepath.Join(dir, filepath.FromSlash(r.sub))}
		items, err := w.items()
		if err != nil {
			continue
		}
		add := func(name string) {
			abs := filepath.Join(w.root, filepath.FromSlash(name))
			if fi, err := os.Stat(abs); err != nil || !fi.Mode().IsRegular() || fi.Size() > maxLive || !filepath.IsLocal(filepath.FromSlash(name)) {
				return
			}
			if data, err := os.ReadFile(abs); err == nil {
				files[name] = data
			}
		}
		for _, item := range items {
			if item.File == nil {
				continue
			}
			for _, m := range item.File.Metrics {
				add(path.Join(item.File.Dir(), m))
			}
			for _, st := range item.File.Stages {
				for _, o := range st.Outs {
					if o.Kind == dvcfile.Metric {
						add(st.Path(o.Path))
					}
				}
			}
		}
	}
	return files
}
