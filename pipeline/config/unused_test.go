package config_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/config"
)

// Every option of DVC's sections that have a fixed list of them: does it work, say that it doesn't, or
// is there nothing that it could do? The list is that of dvc/config_schema.py of 3.67.1.
func TestOptions(t *testing.T) {
	const (
		works   = "works"
		says    = "says that it does not"
		nothing = "nothing to do, here or in DVC 3"
	)
	for name, want := range map[[3]string]string{
		{"core", "remote", "r"}:              works,
		{"core", "checksum_jobs", "2"}:       works,
		{"core", "interactive", "true"}:      works,
		{"core", "no_scm", "true"}:           works,
		{"core", "autostage", "true"}:        works,
		{"core", "site_cache_dir", "x"}:      works,
		{"core", "analytics", "true"}:        nothing, // none are sent
		{"core", "check_update", "true"}:     nothing, // nobody is asked
		{"core", "experiments", "true"}:      nothing,
		{"core", "hardlink_lock", "false"}:   nothing,
		{"core", "hardlink_lock", "true"}:    says,
		{"core", "machine", "m"}:             says,
		{"cache", "dir", "x"}:                works,
		{"cache", "type", "copy"}:            works,
		{"cache", "shared", "group"}:         works,
		{"cache", "slow_link_warning", "no"}: nothing, // there is no such warning
		{"cache", "protected", "true"}:       nothing,
		{"cache", "s3", "r"}:                 nothing, // outputs on remotes are not cached
		{"state", "row_limit", "1"}:          nothing,
		{"index", "dir", "x"}:                nothing,
		{"plots", "html_template", "x"}:      says,
		{"plots", "auto_open", "true"}:       works,
		{"plots", "out_dir", "x"}:            works,
		{"exp", "auto_push", "true"}:         works,
		{"exp", "git_remote", "x"}:           works,
		{"exp", "code", "x"}:                 nothing,
		{"parsing", "bool", "store_true"}:    works,
		{"parsing", "list", "nargs"}:         works,
		{"hydra", "enabled", "true"}:         says,
		{"hydra", "enabled", "false"}:        nothing,
		{"hydra", "config_dir", "x"}:         says,
		{"hydra", "config_module", "x"}:      says,
		{"hydra", "config_name", "x"}:        says,
		{"hydra", "plugins_path", "x"}:       says,
		{"studio", "token", "x"}:             says,
		{"studio", "url", "x"}:               says,
		{"studio", "repo_url", "x"}:          says,
		{"studio", "offline", "true"}:        nothing,
		{"feature", "machine", "true"}:       says,
	} {
		assert.Equal(t, want == says, config.Unused(name[0], name[1], name[2]) != "", "%s.%s = %s", name[0], name[1], name[2])
	}
}

// What is wrong in one file is refused, whatever a higher one hides.
func TestEditLevels(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(dir+"/.dvc", 0o777))
	env := func(name string) string {
		return map[string]string{"DVC_GLOBAL_CONFIG_DIR": dir, "DVC_SYSTEM_CONFIG_DIR": dir}[name]
	}
	c, err := config.Load(dir+"/.dvc", env)
	require.NoError(t, err)
	require.NoError(t, c.Set(config.Local, "core", "autostage", "true", dir))
	require.Error(t, c.Set(config.Project, "core", "autostage", "maybe", dir))
	_, err = os.Stat(dir + "/.dvc/config")
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// TestSetOutside: the levels of a repository have no file where there is none, whatever
// the value is.
func TestSetOutside(t *testing.T) {
	dir := t.TempDir()
	c, err := config.Load("", func(string) string { return dir })
	require.NoError(t, err)
	for _, value := range []string{"s3://bucket", "/abs", "rel/path"} {
		for _, level := range []config.Level{config.Project, config.Local} {
			assert.ErrorContains(t, c.Set(level, config.RemoteSection("r"), "url", value, dir), "Not inside a DVC repo")
		}
	}
}
