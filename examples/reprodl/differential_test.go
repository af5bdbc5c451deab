//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/examples/internal/dvctest"
)

// TestDifferential makes random pipelines, changes them at random and gives the
// same command to dvc and to this program, each in a tree of its own. After
// every command both must have printed the same actions, exited alike, and left
// the same files, cache and status behind. One call of dvc takes most of a
// second: there are a few rounds, or as many as REPRODL_LONG wants.
func TestDifferential(t *testing.T) {
	dvc := dvctest.Find(t)
	rounds, seed := 2, uint64(1)
	if os.Getenv("REPRODL_LONG") != "" {
		rounds = 40
	}
	if s := os.Getenv("REPRODL_SEED"); s != "" {
		fmt.Sscan(s, &seed)
		rounds = 1
	}
	for i := range uint64(rounds) {
		t.Run(fmt.Sprint("seed ", seed+i), func(t *testing.T) {
			t.Parallel()
			newDifferential(t, dvc, seed+i).run()
		})
	}
}

type differential struct {
	t      *testing.T
	r      *rand.Rand
	dvc    string
	theirs *goldenTree
	ours   *goldenTree
	stages []*randomStage
	params map[string]int
	log    []string
}

// randomStage is a stage that reads and writes small files.
type randomStage struct {
	name    string
	deps    []string
	params  []string
	outs    []string
	dirs    bool
	flags   []string // of the first output
	section string
	list    bool
	word    int // in the command
	frozen  bool
	always  bool
}

func newDifferential(t *testing.T, dvc string, seed uint64) *differential {
	d := &differential{
		t: t, r: rand.New(rand.NewPCG(seed, 2)), dvc: dvc,
		theirs: newTree(t, &goldenCase{}), ours: newTree(t, &goldenCase{}),
		params: map[string]int{"lr": 1, "size": 1, "deep": 1},
	}
	files := []string{"in0", "in1"}
	for i := range 2 + d.r.IntN(4) {
		s := &randomStage{name: fmt.Sprintf("s%d", i), section: "outs"}
		for _, f := range files {
			if d.r.IntN(3) == 0 {
				s.deps = append(s.deps, f)
			}
		}
		for _, p := range []string{"lr", "deep.x"} {
			if d.r.IntN(4) == 0 {
				s.params = append(s.params, p)
			}
		}
		s.outs = []string{fmt.Sprintf("out%d", i)}
		if d.r.IntN(3) == 0 {
			s.outs = append(s.outs, fmt.Sprintf("second%d", i))
		}
		switch d.r.IntN(8) {
		case 0:
			s.flags = []string{"cache: false"}
		case 1:
			s.flags = []string{"persist: true"}
		case 2:
			s.section, s.flags = "metrics", []string{"cache: false"}
		case 3:
			s.section = "plots"
		}
		s.dirs, s.list = d.r.IntN(4) == 0 && s.section == "outs", d.r.IntN(3) == 0
		s.always = d.r.IntN(10) == 0
		d.stages = append(d.stages, s)
		files = append(files, s.outs...)
	}
	d.write("in0", "0\n")
	d.write("in1", "1\n")
	d.writeAll()
	return d
}

func (d *differential) write(name, text string) {
	for _, tree := range []*goldenTree{d.theirs, d.ours} {
		path := filepath.Join(tree.root, name)
		require.NoError(d.t, os.MkdirAll(filepath.Dir(path), 0o777))
		os.Remove(path)
		require.NoError(d.t, os.WriteFile(path, []byte(text), 0o644))
	}
	d.log = append(d.log, "write "+name)
}

func (d *differential) remove(name string) {
	for _, tree := range []*goldenTree{d.theirs, d.ours} {
		require.NoError(d.t, os.RemoveAll(filepath.Join(tree.root, name)))
	}
	d.log = append(d.log, "remove "+name)
}

func (d *differential) writeAll() {
	d.write("params.yaml", fmt.Sprintf("lr: 0.%d\nsize: %d\ndeep: {x: %d, y: [1, 2]}\n", d.params["lr"], d.params["size"], d.params["deep"]))
	var y strings.Builder
	y.WriteString("stages:\n")
	for _, s := range d.stages {
		y.WriteString(s.yaml())
	}
	d.write("dvc.yaml", y.String())
}

func (s *randomStage) yaml() string {
	var y strings.Builder
	var cmds []string
	read := "printf '" + fmt.Sprint(s.word) + "\\n'; cat /dev/null"
	for _, dep := range s.deps {
		read += "; cat " + dep + " 2>/dev/null || cat " + dep + "/*"
	}
	if len(s.params) > 0 {
		read += "; cat params.yaml"
	}
	for _, out := range s.outs {
		if s.dirs {
			cmds = append(cmds, fmt.Sprintf("mkdir -p %s/sub && (%s) > %s/a && cp %s/a %s/sub/b", out, read, out, out, out))
		} else {
			cmds = append(cmds, fmt.Sprintf("(%s) > %s", read, out))
		}
	}
	fmt.Fprintf(&y, "  %s:\n", s.name)
	if s.list {
		y.WriteString("    cmd:\n")
		for _, c := range cmds {
			fmt.Fprintf(&y, "    - %s\n", c)
		}
	} else {
		fmt.Fprintf(&y, "    cmd: %s\n", strings.Join(cmds, " && "))
	}
	for key, list := range map[string][]string{"deps": s.deps, "params": s.params} {
		if len(list) > 0 {
			fmt.Fprintf(&y, "    %s: [%s]\n", key, strings.Join(list, ", "))
		}
	}
	fmt.Fprintf(&y, "    %s:\n", s.section)
	for i, out := range s.outs {
		if i == 0 && len(s.flags) > 0 {
			fmt.Fprintf(&y, "    - %s:\n        %s\n", out, strings.Join(s.flags, "\n        "))
		} else {
			fmt.Fprintf(&y, "    - %s\n", out)
		}
	}
	if s.frozen {
		y.WriteString("    frozen: true\n")
	}
	if s.always {
		y.WriteString("    always_changed: true\n")
	}
	return y.String()
}

func (d *differential) run() {
	d.both("repro")
	for range 8 {
		if d.t.Failed() {
			d.t.Log(strings.Join(d.log, "\n"))
			return
		}
		for range 1 + d.r.IntN(2) {
			d.change()
		}
		d.both(d.command()...)
	}
}

// change edits both trees in the same way.
func (d *differential) change() {
	s := d.stages[d.r.IntN(len(d.stages))]
	out := s.outs[d.r.IntN(len(s.outs))]
	switch d.r.IntN(9) {
	case 0, 1:
		d.write(fmt.Sprintf("in%d", d.r.IntN(2)), fmt.Sprintf("%d\n", d.r.IntN(3)))
	case 2:
		d.params[[]string{"lr", "size", "deep"}[d.r.IntN(3)]] = 1 + d.r.IntN(2)
		d.writeAll()
	case 3:
		d.remove(out)
	case 4:
		if s.dirs {
			d.write(out+"/new", "new\n")
		} else {
			d.write(out, "spoiled\n")
		}
	case 5:
		s.word = d.r.IntN(3)
		d.writeAll()
	case 6:
		s.frozen = !s.frozen
		d.writeAll()
	case 7:
		s.deps = append(s.deps, "in1")
		s.deps = s.deps[len(s.deps)-1:]
		d.writeAll()
	case 8:
		d.remove(".dvc/cache/files/md5/" + fmt.Sprintf("%02x", d.r.IntN(256)))
	}
}

func (d *differential) command() []string {
	s := d.stages[d.r.IntN(len(d.stages))].name
	commands := [][]string{
		{"repro"}, {"repro"}, {"repro"}, {"repro", "-f"}, {"repro", "--no-run-cache"}, {"repro", "--no-commit"},
		{"repro", "--force-downstream"}, {"repro", "--allow-missing"}, {"repro", "-k"}, {"repro", "-P"},
		{"repro", "-s", s}, {"repro", s}, {"repro", "--downstream", s}, {"repro", "-p", s}, {"repro", "--dry"},
		{"commit", "-f"}, {"checkout", "-f"}, {"status"}, {"status", s},
	}
	return commands[d.r.IntN(len(commands))]
}

// both gives a command to both programs and compares.
func (d *differential) both(args ...string) {
	t := d.t
	name := strings.Join(args, " ")
	d.log = append(d.log, "$ "+name)
	before, _ := os.ReadFile(filepath.Join(d.ours.root, "dvc.lock"))
	want := d.callDVC(args...)
	got := d.ours.reprodl(t, "", args...)
	show := fmt.Sprintf("%s\ndvc printed:\n%s%s\nreprodl printed:\n%s%s", name, want.stdout, want.stderr, got.stdout, got.stderr)
	require.Equal(t, want.exit, got.exit, show)
	if want.exit != 0 {
		assert.Equal(t, errorClass(want.stderr), errorClass(got.stderr), show)
	}
	wantActions, _ := parseActions(want.stdout)
	gotActions, _ := parseActions(got.stdout)
	if slices.Contains(args, "--dry") {
		// A dry run of dvc looks up the inputs of the last run, not the present.
		isRestore := func(a [2]string) bool { return a[0] == "restore" }
		wantActions, gotActions = slices.DeleteFunc(wantActions, isRestore), slices.DeleteFunc(gotActions, isRestore)
	}
	assert.ElementsMatch(t, wantActions, gotActions, show)
	if want.exit != 0 {
		d.alike() // what is left of a failure is compared by the recorded cases
		return
	}
	wantTexts, gotTexts := d.theirs.texts(t), d.ours.texts(t)
	if small := len(args) > 1 && !strings.HasPrefix(args[len(args)-1], "-"); small {
		// The order of a small part of the stages is random in dvc.
		for _, file := range []string{"dvc.lock", ".gitignore"} {
			wantTexts[file], gotTexts[file] = sortedLines(wantTexts[file]), sortedLines(gotTexts[file])
		}
	}
	assert.Equal(t, wantTexts, gotTexts, show+"\nlock before:\n"+string(before))
	assert.Equal(t, d.theirs.workspace(t), d.ours.workspace(t), show)
	cache := func(tree *goldenTree) map[string]any {
		return objects(t, filepath.Join(tree.root, ".dvc", "cache"), false)
	}
	assert.Equal(t, cache(d.theirs), cache(d.ours), show)
	assert.Equal(t, d.theirs.runs(t), d.ours.runs(t), show)
	wantStatus, gotStatus := d.callDVC("status", "--json"), d.ours.reprodl(t, "", "status", "--json")
	assert.Equal(t, parseJSON(t, []byte(wantStatus.stdout)), parseJSON(t, []byte(gotStatus.stdout)), show)
	if args[0] == "status" {
		assert.Equal(t, want.stdout, got.stdout)
	}
	d.alike()
}

// alike makes our tree a copy of theirs, so that what differs because of the
// order in one step does not count in the next.
func (d *differential) alike() {
	for _, name := range []string{"dvc.lock", ".gitignore"} {
		ours := filepath.Join(d.ours.root, name)
		data, err := os.ReadFile(filepath.Join(d.theirs.root, name))
		if err != nil { // a failure takes the lines of dvc's .gitignore back
			require.NoError(d.t, os.RemoveAll(ours))
			continue
		}
		require.NoError(d.t, os.WriteFile(ours, data, 0o644))
	}
}

func sortedLines(text string) string {
	counts := map[string]int{}
	for _, line := range strings.Split(text, "\n") {
		counts[line]++
	}
	data, _ := json.Marshal(counts)
	return string(data)
}

func (d *differential) callDVC(args ...string) result {
	d.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(d.dvc, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = d.theirs.root, d.theirs.env, &stdout, &stderr
	err := cmd.Run()
	if _, ok := err.(*exec.ExitError); err != nil && !ok {
		d.t.Fatal(err)
	}
	return result{exit: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}
