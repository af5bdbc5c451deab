package workspace

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMessagesSpeakOfOurProgram(t *testing.T) {
	var out strings.Builder
	log := slog.New(&plainHandler{&out})
	log.Info("To apply the results of an experiment to your workspace run:\n\n\tdvc exp apply <exp>")
	log.Info("\nTo enable auto staging, run:\n\n\tdvc config core.autostage true")
	log.Info("Generating lock file 'dvc.lock'")
	log.Warn("careful")
	log.Debug("nobody reads this")
	assert.Equal(t, "To apply the results of an experiment to your workspace run:\n\n\treprodl exp apply <exp>\n"+
		"Generating lock file 'dvc.lock'\nWARN: careful\n", out.String())
}

func TestFillKeepsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/params.yaml", []byte("mine\n"), 0o666))
	templates := fstest.MapFS{
		"workspace/params.yaml": {Data: []byte("ours\n")},
		"workspace/dvc.yaml":    {Data: []byte("cmd: {{.Command}} # {{.Program}}\n")},
		"workspace/gitignore":   {Data: []byte("/data\n")},
	}
	created, err := Fill(dir, templates)
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"dvc.yaml", ".gitignore"}, created)
	for name, want := range map[string]string{"params.yaml": "mine\n", "dvc.yaml": "cmd: " + Command + " # " + Program + "\n", ".gitignore": "/data\n"} {
		text, err := os.ReadFile(dir + "/" + name)
		require.NoError(t, err)
		assert.Equal(t, want, string(text))
	}
	created, err = Fill(dir, templates)
	require.NoError(t, err)
	assert.Empty(t, created)
}

func TestMakeTwice(t *testing.T) {
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	dir := t.TempDir()
	for _, want := range []bool{true, false} {
		created, err := Make(context.Background(), dir)
		require.NoError(t, err)
		assert.Equal(t, want, created)
	}
	assert.True(t, Has(dir, Program))
	name, err := Git(context.Background(), dir, "config", "user.name")
	require.NoError(t, err)
	assert.Equal(t, "reprodl", name)
}
