package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/repo"
	"github.com/reprodl/reprodl/internal/repotest"
	"github.com/reprodl/reprodl/pipeline/config"
)

func newRepo(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repo")
	require.NoError(t, os.Mkdir(dir, 0o777))
	repotest.Run(t, dir, "git", "init", "-q")
	_, err := repo.Init(dir, nil)
	require.NoError(t, err)
	return dir
}

func load(t *testing.T, dir string) *config.Config {
	t.Helper()
	home := filepath.Dir(dir)
	c, err := config.Load(filepath.Join(dir, ".dvc"), func(key string) string {
		return map[string]string{"DVC_GLOBAL_CONFIG_DIR": filepath.Join(home, "global"), "DVC_SYSTEM_CONFIG_DIR": filepath.Join(home, "system")}[key]
	})
	require.NoError(t, err)
	require.NoError(t, c.Validate())
	return c
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	require.NoError(t, err)
	return string(data)
}

// TestConfigLikeDVC makes the same edits with both tools.
func TestConfigLikeDVC(t *testing.T) {
	dvc := repotest.DVC(t)
	ours, theirs := newRepo(t), newRepo(t)
	c := load(t, ours)
	require.NoError(t, c.AddRemote(config.Project, "MyRem", "../rem", ours, false, true))
	repotest.Run(t, theirs, dvc, "remote", "add", "-d", "MyRem", "../rem")
	for _, kv := range [][3]string{
		{"core", "autostage", "true"}, {"cache", "type", "reflink,hardlink"}, {"cache", "dir", "../cc"}, {"exp", "git_remote", "a # b"},
		{`remote "myrem"`, "jobs", "4"}, {"core", "autostage", "false"}, {"plots", "out_dir", "a'b"}, {"parsing", "bool", "store_true"},
	} {
		require.NoError(t, c.Set(config.Project, kv[0], kv[1], kv[2], ours))
		name := kv[0] + "." + kv[1]
		if kv[0] == `remote "myrem"` {
			name = "remote.myrem." + kv[1]
		}
		repotest.Run(t, theirs, dvc, "config", name, kv[2])
		assert.Equal(t, read(t, theirs, ".dvc/config"), read(t, ours, ".dvc/config"), kv)
	}
	require.NoError(t, c.Edit(config.Project, func(e *config.Editor) error { e.Unset("exp", "git_remote"); return nil }))
	repotest.Run(t, theirs, dvc, "config", "-u", "exp.git_remote")
	assert.Equal(t, read(t, theirs, ".dvc/config"), read(t, ours, ".dvc/config"))

	var list strings.Builder
	for _, v := range load(t, ours).List(config.Project) {
		list.WriteString(v.Name() + "=" + v.Value + "\n")
	}
	want := strings.ReplaceAll(repotest.Run(t, theirs, dvc, "config", "-l"), filepath.Dir(theirs), filepath.Dir(ours))
	assert.Equal(t, want, list.String())

	remote, err := load(t, ours).Remote("")
	require.NoError(t, err)
	assert.Equal(t, config.Remote{Name: "myrem", URL: filepath.Join(filepath.Dir(ours), "rem")}, remote)
}

func TestConfigKeepsComments(t *testing.T) {
	dir := newRepo(t)
	file := filepath.Join(dir, ".dvc", "config")
	require.NoError(t, os.WriteFile(file, []byte("# top\n[core]  # mine\n  remote = a   # which\n[remote \"a\"]\n    url = /x\n"), 0o666))
	c := load(t, dir)
	require.NoError(t, c.Set(config.Project, "core", "autostage", "true", dir))
	require.NoError(t, c.Set(config.Project, "cache", "type", "copy", dir))
	assert.Equal(t, "# top\n[core]  # mine\n  remote = a   # which\n    autostage = true\n[cache]\n    type = copy\n[remote \"a\"]\n    url = /x\n", read(t, file))
}

func TestConfigErrors(t *testing.T) {
	dir := newRepo(t)
	for text, want := range map[string]string{
		"[core]\n  foo = 1\n":             "config file error: extra keys not allowed @ data['core']['foo']",
		"[core]\n  autostage = perhaps\n": "config file error: expected true or false for dictionary value @ data['core']['autostage']",
		"[nope]\n  a = 1\n":               "config file error: extra keys not allowed @ data['nope']",
		"[cache]\n  type = clone\n":       "config file error: Unsupported cache type(s): clone for dictionary value @ data['cache']['type']",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, ".dvc", "config"), []byte(text), 0o666))
		c, err := config.Load(filepath.Join(dir, ".dvc"), func(string) string { return dir })
		require.NoError(t, err)
		assert.EqualError(t, c.Validate(), want)
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, ".dvc", "config"), []byte("what is this\n"), 0o666))
	_, err := config.Load(filepath.Join(dir, ".dvc"), func(string) string { return dir })
	var config *config.Error
	assert.ErrorAs(t, err, &config)
}

func FuzzConfig(f *testing.F) {
	f.Add("[core]\n    remote = a\n['remote \"a\"']\n    url = \"x,y\" # c\n", "a,'b")
	f.Add("[core]\n", "a,'\"")
	f.Fuzz(func(t *testing.T, text, value string) {
		dir := t.TempDir()
		file := filepath.Join(dir, "config")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o666))
		c, err := config.Load(dir, func(string) string { return filepath.Join(dir, "none") })
		if err != nil || c.Validate() != nil || strings.ContainsAny(value, "\x00\r") {
			return
		}
		if c.Set(config.Project, "plots", "out_dir", value, dir) != nil {
			return
		}
		again, err := config.Load(dir, func(string) string { return filepath.Join(dir, "none") })
		require.NoError(t, err)
		got, ok := again.Get("plots", "out_dir")
		assert.True(t, ok)
		assert.Equal(t, value, got, read(t, file))
	})
}
