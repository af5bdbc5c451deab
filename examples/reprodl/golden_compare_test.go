//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

// expectation is an expectation file. Parts that were not recorded are nil.
type expectation struct {
	Exit  int
	Error *struct {
		Class, Message string
	}
	Actions     [][2]string
	DryOutput   map[string][]string `json:"dry_output"`
	Output      json.RawMessage
	Text        *string
	Files       map[string]struct{ Text string }
	Workspace   []map[string]any
	Cache       []map[string]any
	Runs        map[string]string
	Remote      []map[string]any
	Status      json.RawMessage
	Experiments []map[string]any
	GitStatus   []string `json:"git_status"`
}

func loadExpect(t *testing.T, file string) *expectation {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	e := new(expectation)
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	require.NoError(t, dec.Decode(e), file)
	return e
}

// comparison compares one step with its expectation.
type comparison struct {
	t    *testing.T
	c    *goldenCase
	step goldenStep
	name string
	tree *goldenTree
}

// differs reports whether a part of the step is one of the documented
// deviations, which then isn't compared.
func (c *comparison) differs(part string) bool {
	why, ok := deviations[c.c.ID+" "+c.name[:2]+" "+part]
	if ok {
		c.t.Logf("step %s: %s deviates on purpose: %s", c.name, part, why)
	}
	return ok
}

func (c *comparison) equal(part string, want, got any) {
	c.t.Helper()
	if !c.differs(part) {
		assert.Equal(c.t, want, got, "step %s: %s", c.name, part)
	}
}

func (c *comparison) compare(want *expectation, got result) {
	t := c.t
	c.equal("exit", want.Exit, got.exit)
	class := ""
	if want.Error != nil {
		class = want.Error.Class
	}
	if got.exit != 0 || class != "" {
		c.equal("error", class, errorClass(got.stderr))
	}
	if want.Actions != nil {
		actions, dry := parseActions(got.stdout)
		c.compareActions(want.Actions, actions)
		if want.DryOutput != nil && want.Exit == 0 {
			c.equal("dry_output", nonEmpty(want.DryOutput), nonEmpty(dry))
		}
	}
	if want.Output != nil {
		c.equal("output", parseJSON(t, want.Output), parseJSON(t, []byte(c.tree.normalise(t, got.stdout))))
	}
	if want.Text != nil {
		c.compareText(*want.Text, c.tree.normalise(t, got.stdout))
	}
	if want.Files != nil {
		c.compareFiles(want)
	}
	if want.Workspace != nil {
		c.equal("workspace", byKey(want.Workspace, "path"), c.tree.workspace(t))
	}
	if want.Cache != nil {
		c.equal("cache", byKey(want.Cache, "name"), objects(t, filepath.Join(c.tree.root, ".dvc", "cache"), false))
	}
	if want.Runs != nil {
		c.compareRuns(want.Runs)
	}
	if want.Remote != nil {
		list := objects(t, filepath.Join(c.tree.base, "remote"), true)
		for _, entry := range list {
			delete(entry.(map[string]any), "mode")
			delete(entry.(map[string]any), "content")
		}
		c.equal("remote", byKey(want.Remote, "name"), list)
	}
	if want.Experiments != nil {
		c.equal("experiments", byKey(want.Experiments, "ref"), c.tree.experiments(t))
	}
	if want.GitStatus != nil {
		c.equal("git_status", want.GitStatus, c.tree.gitStatus(t))
	}
	if want.Status != nil {
		status := c.tree.reprodl(t, c.step.Cwd, "status", "--json")
		out := parseJSON(t, []byte(status.stdout))
		if status.exit != 0 {
			out = map[string]any{"!error": errorClass(status.stderr)}
		}
		c.equal("status", parseJSON(t, want.Status), out)
	}
}

// compareActions compares in order, except that the place of .dvc files is
// not significant.
func (c *comparison) compareActions(want, got [][2]string) {
	split := func(list [][2]string) (stages, files []string) {
		stages, files = []string{}, []string{}
		for _, a := range list {
			if text := a[0] + " " + a[1]; strings.HasSuffix(a[1], ".dvc") {
				files = append(files, text)
			} else {
				stages = append(stages, text)
			}
		}
		sort.Strings(files)
		return stages, files
	}
	wantStages, wantFiles := split(want)
	gotStages, gotFiles := split(got)
	if slices.ContainsFunc(c.step.Args, func(a string) bool { return !strings.HasPrefix(a, "-") }) {
		// Of a small part of the stages, DVC's order depends on its hash seed.
		sort.Strings(wantStages)
		sort.Strings(gotStages)
	}
	c.equal("actions", wantStages, gotStages)
	c.equal("actions", wantFiles, gotFiles)
}

func (c *comparison) compareText(want, got string) {
	switch c.step.Op {
	case "dag-dot":
		c.equal("text", lineSet(want), lineSet(got))
	case "stage-list": // cosmetic: the width of columns
		for _, s := range []*string{&want, &got} {
			lines := strings.Split(*s, "\n")
			for i := range lines {
				lines[i] = strings.Join(strings.Fields(lines[i]), " ")
			}
			*s = strings.Join(lines, "\n")
		}
		c.equal("text", want, got)
	default:
		c.equal("text", want, got)
	}
}

func (c *comparison) compareFiles(want *expectation) {
	got := c.tree.texts(c.t)
	for name, file := range want.Files {
		text, ok := got[name]
		switch {
		case c.differs("files " + name):
		case !assert.True(c.t, ok, "step %s: no file %s", c.name, name):
		case c.c.Compare[name] == "structure":
			assert.Equal(c.t, structure(c.t, file.Text), structure(c.t, text), "step %s: %s", c.name, name)
		default:
			assert.Equal(c.t, file.Text, text, "step %s: %s", c.name, name)
		}
	}
	for name, text := range got {
		if _, ok := want.Files[name]; ok || c.differs("files "+name) {
			continue
		}
		old, had := c.tree.before[name]
		switch always := isMeta(name) && !strings.HasSuffix(name, "dvc.yaml"); {
		case always:
			assert.Fail(c.t, "unexpected file", "step %s: %s", c.name, name)
		case had && old != text && !isOutput(want, name):
			assert.Equal(c.t, old, text, "step %s: %s was changed", c.name, name)
		}
	}
}

// isOutput tells whether the expectation has a file among the workspace.
func isOutput(want *expectation, name string) bool {
	for _, entry := range want.Workspace {
		if entry["path"] == name {
			return true
		}
	}
	return false
}

func (c *comparison) compareRuns(want map[string]string) {
	got := c.tree.runs(c.t)
	if c.c.Compare["runs"] == "structure" {
		for _, m := range []map[string]string{want, got} {
			for name, text := range m {
				m[name] = structure(c.t, text)
			}
		}
	}
	c.equal("runs", want, got)
}

// structure writes YAML in one normal form: values, order and comments, with
// aliases expanded, without layout.
func structure(t *testing.T, text string) string {
	t.Helper()
	var doc yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(text), &doc))
	var out strings.Builder
	var write func(n *yaml.Node, indent string)
	write = func(n *yaml.Node, indent string) {
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		fmt.Fprintf(&out, "%s%s %q %s\n", indent, n.Tag, n.Value, n.HeadComment+n.LineComment+n.FootComment)
		for _, child := range n.Content {
			write(child, indent+"  ")
		}
	}
	write(&doc, "")
	return out.String()
}

// parseJSON reads Python's JSON, which may have bare NaN and Infinity.
func parseJSON(t *testing.T, data []byte) any {
	t.Helper()
	for _, word := range []string{"-Infinity", "Infinity", "NaN"} {
		for _, before := range []string{": ", "[", ", "} {
			data = bytes.ReplaceAll(data, []byte(before+word), []byte(before+`"<`+word+`>"`))
		}
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return "not JSON: " + string(data)
	}
	return v
}

// byKey makes a mapping of a list of entries, with numbers as text.
func byKey(list []map[string]any, key string) map[string]any {
	m := map[string]any{}
	for _, entry := range list {
		if n, ok := entry["size"].(json.Number); ok {
			entry["size"] = n.String()
		}
		m[fmt.Sprint(entry[key])] = entry
	}
	return m
}

func lineSet(text string) map[string]bool {
	set := map[string]bool{}
	for _, line := range strings.Split(text, "\n") {
		set[line] = true
	}
	return set
}

func nonEmpty(m map[string][]string) map[string][]string {
	out := map[string][]string{}
	for k, v := range m {
		if len(v) > 0 {
			out[k] = v
		}
	}
	return out
}
