package mlflow_test

import (
	"path"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/reprodl/reprodl/live/mlflow"
)

func TestValidName(t *testing.T) {
	for name, want := range map[string]string{
		"train/loss": "train/loss", "system/ram/usage (%)": "system/ram/usage ___", "a//b/./c/../d": "a/b/d",
		"../../up": "up", "": "_", "/": "_", "Größe": "Größe", "a:b": "a_b", "x\xff": "x_", "a\nb": "a_b", "..a": "_..a",
	} {
		assert.Equal(t, want, mlflow.ValidName(name), name)
	}
}

// FuzzValidName holds names against validate_param_and_metric_name and
// path_not_unique of mlflow/utils/validation.py.
func FuzzValidName(f *testing.F) {
	for _, name := range []string{"a", "a/../..", "système/%", "..", "\x00"} {
		f.Add(name)
	}
	valid := regexp.MustCompile(`^[/\pL\pN_.\- ]*$`)
	f.Fuzz(func(t *testing.T, name string) {
		got := mlflow.ValidName(name)
		assert.Regexp(t, valid, got)
		assert.Equal(t, path.Clean(got), got)
		assert.NotRegexp(t, `^(\.|\.\..*|/.*|)$`, got)
	})
}
