//go:build unix

package hub_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/experiment/queue/hub"
	"github.com/reprodl/reprodl/pipeline"
)

// manyStages are twelve stages: data that DVC tracks, seven side by side, a join,
// outputs of every kind. $MARK/hold-3 makes one of them hang, once.
const manyStages = `vars: [more.yaml]
stages:
  seed:
    cmd: echo 7 > seed.txt
    outs: [seed.txt]
  prepare:
    cmd: sh prepare.sh
    deps: [raw, prepare.sh]
    outs: [clean]
  train:
    matrix: {n: [1, 2, 3, 4, 5, 6, 7]}
    cmd: >
      echo training ${item.n};
      if test ! -e "$MARK/fail-${item.n}"; then true; else echo no good >&2; exit 3; fi;
      if mv "$MARK/hold-${item.n}" "$MARK/held-${item.n}" 2> /dev/null; then while test -e "$MARK/held-${item.n}"; do sleep 0.1; done; fi;
      cat clean/* seed.txt > model-${item.n}.sh; echo ${more} >> model-${item.n}.sh; chmod +x model-${item.n}.sh;
      echo '{"n"':${item.n}'}' > m-${item.n}.json; echo ${item.n} > ignored-${item.n}.log
    deps: [clean, seed.txt]
    params: [lr]
    outs:
    - model-${item.n}.sh
    - ignored-${item.n}.log:
        cache: false
    metrics:
    - m-${item.n}.json:
        cache: false
  join:
    cmd: cat model-*.sh m-1.json m-2.json m-3.json ignored-1.log ignored-2.log > all.txt
    deps: [model-1.sh, model-2.sh, model-3.sh, model-4.sh, model-5.sh, model-6.sh, model-7.sh, m-1.json, m-2.json, m-3.json, ignored-1.log, ignored-2.log]
    outs: [all.txt]
  below:
    wdir: empty/sub
    cmd: cp ../../all.txt ../copy.txt; test -d ../../no && exit 9; pwd | sed 's/.*empty/empty/' > where
    deps: [../../all.txt]
    outs: [../copy.txt, where]
  here:
    cmd: cat all.txt >> kept.txt
    deps: [all.txt]
    outs: [{kept.txt: {persist: true}}]
`

// newStages is a fleet whose pipeline is manyStages, with changes that are not
// committed, and what its files become when all of it runs on one machine.
func newStages(t *testing.T, config string) (f *fleet, alone map[string]string, mark string) {
	t.Helper()
	mark = t.TempDir()
	t.Setenv("MARK", mark)
	files := map[string]string{".dvc/config": config, "dvc.yaml": manyStages, "more.yaml": "more: old\n", ".gitignore": "/raw\n/ignored-*\n"}
	f = newFleet(t, files, &hub.Options{Lease: 3 * time.Second})
	for _, name := range []string{"a", "b", "sub/c"} {
		f.Write("raw/"+name, name+"\n")
	}
	f.Write("prepare.sh", "mkdir clean; for f in raw/a raw/b raw/sub/c; do cp $f clean; done\n") // untracked
	f.Write("more.yaml", "more: new\n")                                                          // not committed
	require.NoError(t, os.MkdirAll(filepath.Join(f.Dir, "empty", "sub"), 0o777))                 // which git does not know
	p, err := f.repo.Pipeline()
	require.NoError(t, err)
	_, err = p.Add(t.Context(), nil, "raw")
	require.NoError(t, err)

	copied := filepath.Join(t.TempDir(), "alone")
	require.NoError(t, os.CopyFS(copied, os.DirFS(f.Dir)))
	own := &exptest.Project{T: t, Dir: copied, Env: f.Env, Messages: new(bytes.Buffer)}
	p, err = own.Open().Pipeline()
	require.NoError(t, err)
	_, err = p.Repro(t.Context(), nil)
	require.NoError(t, err)
	return f, results(own), mark
}

// results are the files that a run leaves.
func results(p *exptest.Project) map[string]string {
	m := map[string]string{}
	lines := strings.Split(p.Read(".gitignore"), "\n")
	slices.Sort(lines) // with Jobs they come in the order in which stages end
	m[".gitignore"] = strings.Join(lines, "\n")
	for _, name := range strings.Fields("dvc.lock all.txt kept.txt empty/copy.txt empty/sub/where m-1.json m-7.json model-3.sh ignored-5.log clean/c") {
		m[name] = p.Read(name)
	}
	runs, _ := filepath.Glob(filepath.Join(p.Dir, ".dvc", "cache", "runs", "*", "*", "*"))
	for _, name := range runs {
		data, err := os.ReadFile(name)
		require.NoError(p, err)
		rel, _ := filepath.Rel(p.Dir, name)
		m[rel] = string(data)
	}
	return m
}

// repro is a call of Repro by the fleet.
func (f *fleet) repro(ctx context.Context, opts *queue.ExecutorOptions, o pipeline.ReproOptions, targets ...string) ([]pipeline.Result, string, error) {
	f.Helper()
	var out lockedBuffer
	p, err := pipeline.Open(f.Dir, &pipeline.Options{Env: f.Env, Stdout: &out, Stderr: &out, Logger: queue.LineLogger(&out)})
	require.NoError(f, err)
	o.Executor = f.queue.Executor(opts)
	res, err := p.Repro(ctx, &o, targets...)
	return res, out.String(), err
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// nothingLeft requires that no trace of stages is in the queue or in git.
func (f *fleet) nothingLeft() {
	f.Helper()
	assert.Empty(f, f.Git("for-each-ref", "refs/reprodl", "refs/exps"))
	tasks, err := f.queue.Tasks(f.Context())
	require.NoError(f, err)
	assert.Empty(f, tasks)
	f.Fsck()
}

// withoutKept leaves out what tells of the output that persists.
func withoutKept(files map[string]string) map[string]string {
	m := map[string]string{}
	for name, text := range files {
		m[name] = text
	}
	m["dvc.lock"], _, _ = strings.Cut(m["dvc.lock"], "  here:\n")
	return m
}
