//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// bench is a repository in which whole processes are timed: the program's and,
// if REPRODL_DVC names it, the real dvc's.
type bench struct {
	*testing.B
	dir, self string
	env       []string
}

func newBench(b *testing.B) *bench {
	base := b.TempDir()
	p := &bench{B: b, dir: filepath.Join(base, "repo"), self: filepath.Join(base, "reprodl")}
	p.env = append(os.Environ(), "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=a@b",
		"GIT_CONFIG_GLOBAL="+os.DevNull, "DVC_NO_ANALYTICS=1", "SHELL=/bin/sh", "DVC_SITE_CACHE_DIR="+filepath.Join(base, "site"))
	build := exec.Command("go", "build", "-o", p.self, ".")
	out, err := build.CombinedOutput()
	require.NoError(b, err, "%s", out)
	require.NoError(b, os.Mkdir(p.dir, 0o777))
	p.sh("git init -q -b main && git config gc.auto 0 && $0 init -q")
	p.sh("printf 'lr: 0.1\\nseed: 0\\n' > params.yaml; printf 'stages:\\n  s:\\n    cmd: cp params.yaml out.txt; cp params.yaml metrics.yaml\\n" +
		"    params: [lr, seed]\\n    outs: [out.txt]\\n    metrics: [{metrics.yaml: {cache: false}}]\\n' > dvc.yaml")
	p.sh("$0 repro -q && git add -A && git commit -qm base")
	return p
}

// sh runs a shell line, $0 of which is the program.
func (p *bench) sh(line string) {
	p.Helper()
	cmd := exec.Command("sh", "-c", line, p.self)
	cmd.Dir, cmd.Env = p.dir, p.env
	out, err := cmd.CombinedOutput()
	require.NoError(p, err, "%s: %s", line, out)
}

// experiments adds n experiments to each of the last commits at once.
func (p *bench) experiments(commits, n int) {
	p.Helper()
	for i := range commits - 1 {
		p.sh(fmt.Sprint("git commit -q --allow-empty -m ", i))
	}
	cmd := exec.Command("git", "rev-list", "HEAD")
	cmd.Dir = p.dir
	out, err := cmd.Output()
	require.NoError(p, err)
	var in strings.Builder
	for h, head := range strings.Fields(string(out)) {
		for i := range n {
			text := fmt.Sprintf("lr: 0.%d\nseed: %d\n", i+1, h)
			fmt.Fprintf(&in, "commit refs/exps/%s/%s/e%05d\ncommitter Ada <a@b> %d +0000\ndata 4\nexp\n\nfrom %s\n", head[:2], head[2:], h*n+i, 1_700_000_000+i, head)
			for _, name := range []string{"params.yaml", "metrics.yaml"} {
				fmt.Fprintf(&in, "M 100644 inline %s\ndata %d\n%s\n", name, len(text), text)
			}
		}
	}
	cmd = exec.Command("git", "fast-import", "--quiet", "--force")
	cmd.Dir, cmd.Stdin = p.dir, strings.NewReader(in.String())
	out, err = cmd.CombinedOutput()
	require.NoError(p, err, "%s", out)
}

// compare times a command line of both programs; # in args stands for the number
// of the call. The peer runs once, after one call to warm up.
func (p *bench) compare(args string) {
	line := func(n int) string { return strings.ReplaceAll(args, "#", fmt.Sprint(n)) }
	p.sh("$0 " + line(0) + " > /dev/null")
	for n := 1; p.Loop(); n++ {
		p.sh("$0 " + line(n) + " > /dev/null")
	}
	ours := p.Elapsed() / time.Duration(max(1, p.N))
	dvc := os.Getenv("REPRODL_DVC")
	if dvc == "" {
		return
	}
	p.sh(dvc + " " + line(1_000_000) + " > /dev/null")
	began := time.Now()
	p.sh(dvc + " " + line(1_000_001) + " > /dev/null")
	theirs := time.Since(began)
	p.ReportMetric(theirs.Seconds()*1000, "dvc-ms")
	p.ReportMetric(float64(theirs)/float64(ours), "x-faster")
}

func BenchmarkExpShow100Warm(b *testing.B) {
	p := newBench(b)
	p.experiments(1, 100)
	p.compare("exp show --json")
}

func BenchmarkExpShow100Forced(b *testing.B) {
	p := newBench(b)
	p.experiments(1, 100)
	p.compare("exp show --json -f")
}

func BenchmarkExpShow5000Warm(b *testing.B) {
	p := newBench(b)
	p.experiments(200, 25)
	p.compare("exp show --json -A")
}

func BenchmarkExpRun(b *testing.B) {
	p := newBench(b)
	p.compare("exp run -q -n e# -S seed=#")
}

func BenchmarkExpSave10k(b *testing.B) {
	p := newBench(b)
	p.sh("for d in $(seq 100); do mkdir -p many/$d; (cd many/$d; for f in $(seq 100); do echo $d $f > $f; done); done; sleep 1.1; git add -A; git commit -qm many")
	p.compare("exp save -n s#")
}
