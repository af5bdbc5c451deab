//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"
)

// TestCompareSpeed runs the same work with dvc ($REPRODL_DVC) and with this
// program, as whole processes and in turn, and prints the times and their
// ratio. It runs only with REPRODL_BENCH=1:
//
//	REPRODL_BENCH=1 REPRODL_DVC=/path/to/dvc go test -v -run TestCompareSpeed ./examples/reprodl
//
// REPRODL_BENCH_STAGES (500) and REPRODL_BENCH_FILES (10000) set the sizes;
// REPRODL_BENCH_BIG (0) is the size of one large file in MB. dvc's first run of
// the chain, which takes minutes, is timed on a tenth of the stages and scaled.
func TestCompareSpeed(t *testing.T) {
	if os.Getenv("REPRODL_BENCH") == "" {
		t.Skip("set REPRODL_BENCH=1 to measure; it takes minutes")
	}
	b := &speed{t: t, dvc: os.Getenv("REPRODL_DVC"), own: filepath.Join(t.TempDir(), "reprodl")}
	build := exec.Command("go", "build", "-o", b.own, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	b.table = tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(b.table, "work\tdvc\treprodl\tratio\t\n")

	n, files := size("REPRODL_BENCH_STAGES", 500), size("REPRODL_BENCH_FILES", 10000)
	b.row("root (start-up)", func(string) {}, []string{"root"})
	b.row("status, 1 stage", func(dir string) { b.chain(dir, 1) }, []string{"repro"}, []string{"status"})
	name := fmt.Sprintf(", chain of %d", n)
	b.firstRun("first run"+name, n)
	b.row("status"+name, func(dir string) { b.lockedChain(dir, n) }, []string{"status"}, []string{"status"})
	b.row("no-op repro"+name, func(dir string) { b.lockedChain(dir, n) }, []string{"status"}, []string{"repro"})
	name = fmt.Sprintf("%d files of 4 KB", files)
	data := func(dir string) { b.files(dir, files) }
	b.row("add "+name, data, []string{"add", "data"})
	b.row("add again", data, []string{"add", "data"}, []string{"add", "data"})
	b.row("status after that", data, []string{"add", "data"}, []string{"status"})
	b.row("checkout of it", data, []string{"add", "data"}, nil, []string{"checkout"})
	if mb := size("REPRODL_BENCH_BIG", 0); mb > 0 {
		b.row(fmt.Sprintf("add one file of %d MB", mb), func(dir string) { b.big(dir, mb) }, []string{"add", "big"})
	}
	require.NoError(t, b.table.Flush())
}

func size(name string, def int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return def
}

type speed struct {
	t        *testing.T
	dvc, own string
	table    *tabwriter.Writer
}

// row prepares a repository for each program, runs all commands but the last,
// and takes the best of three times of the last, in turn. A nil command
// deletes the data from the workspace; it and the last are then repeated
// together.
func (b *speed) row(name string, prepare func(dir string), commands ...[]string) {
	last := commands[len(commands)-1]
	before := commands[:len(commands)-1]
	wipe := len(before) > 0 && before[len(before)-1] == nil
	if wipe {
		before = before[:len(before)-1]
	}
	programs := []string{b.own}
	if b.dvc != "" {
		programs = []string{b.dvc, b.own}
	}
	best := map[string]time.Duration{}
	fresh := len(before) == 0 && last[0] != "root"
	dirs := map[string]string{}
	for range 3 {
		for _, program := range programs {
			dir := dirs[program]
			if dir == "" || fresh {
				dir = b.repo()
				dirs[program] = dir
				prepare(dir)
				for _, args := range before {
					b.run(program, dir, args)
				}
			}
			if wipe {
				require.NoError(b.t, os.RemoveAll(filepath.Join(dir, "data")))
			}
			if d := b.run(program, dir, last); best[program] == 0 || d < best[program] {
				best[program] = d
			}
		}
	}
	b.print(name, best[b.dvc], best[b.own])
}

func (b *speed) print(name string, dvc, own time.Duration) {
	ratio, theirs := "", ""
	if dvc > 0 {
		ratio, theirs = fmt.Sprintf("%.0fx", float64(dvc)/float64(own)), ms(dvc)
	}
	fmt.Fprintf(b.table, "%s\t%s\t%s\t%s\t\n", name, theirs, ms(own), ratio)
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

// firstRun runs a chain of n stages that never ran.
func (b *speed) firstRun(name string, n int) {
	dir := b.repo()
	b.chain(dir, n)
	own := b.run(b.own, dir, []string{"repro"})
	var dvc time.Duration
	if b.dvc != "" {
		dir := b.repo()
		b.chain(dir, max(1, n/10))
		dvc = 10 * b.run(b.dvc, dir, []string{"repro"})
	}
	b.print(name, dvc, own)
}

func (b *speed) run(program, dir string, args []string) time.Duration {
	b.t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = dir, b.env(dir)
	start := time.Now()
	out, err := cmd.CombinedOutput()
	d := time.Since(start)
	require.NoError(b.t, err, "%s %s: %s", program, args, out)
	return d
}

func (b *speed) env(dir string) []string {
	home := filepath.Dir(dir)
	return []string{
		"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + home, "SHELL=/bin/sh", "LC_ALL=C.UTF-8", "DVC_NO_ANALYTICS=1",
		"DVC_GLOBAL_CONFIG_DIR=" + home, "DVC_SYSTEM_CONFIG_DIR=" + home, "DVC_SITE_CACHE_DIR=" + filepath.Join(home, "site"),
	}
}

func (b *speed) repo() string {
	dir := filepath.Join(b.t.TempDir(), "repo")
	require.NoError(b.t, os.MkdirAll(filepath.Join(dir, ".dvc", "tmp"), 0o777))
	b.write(dir, ".dvc/config", "")
	out, err := exec.Command("git", "init", "-q", dir).CombinedOutput()
	require.NoError(b.t, err, string(out))
	return dir
}

func (b *speed) write(dir, name, text string) {
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666))
}

// chain writes a pipeline in which each stage copies the file of the one before.
func (b *speed) chain(dir string, n int) {
	var y strings.Builder
	y.WriteString("stages:\n")
	for i := range n {
		fmt.Fprintf(&y, "  s%d:\n    cmd: cat f%d > f%d\n    deps:\n    - f%d\n    outs:\n    - f%d\n", i, i, i+1, i, i+1)
	}
	b.write(dir, "dvc.yaml", y.String())
	b.write(dir, "f0", "x\n")
}

// lockedChain is a chain that has run, made by this program for either.
func (b *speed) lockedChain(dir string, n int) {
	b.chain(dir, n)
	b.run(b.own, dir, []string{"repro"})
}

func (b *speed) files(dir string, n int) {
	block := strings.Repeat("0123456789abcde\n", 256)
	for i := range n {
		sub := filepath.Join(dir, "data", fmt.Sprintf("%02d", i%100))
		require.NoError(b.t, os.MkdirAll(sub, 0o777))
		b.write(sub, fmt.Sprintf("f%06d", i), fmt.Sprintf("%015d\n", i)+block[16:])
	}
}

func (b *speed) big(dir string, mb int) {
	f, err := os.Create(filepath.Join(dir, "big"))
	require.NoError(b.t, err)
	block := make([]byte, 1<<20)
	for i := range mb {
		for k := range block {
			block[k] = byte(i*31 + k*k>>3)
		}
		_, err := f.Write(block)
		require.NoError(b.t, err)
	}
	require.NoError(b.t, f.Close())
}
