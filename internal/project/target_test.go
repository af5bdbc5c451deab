package project

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseTarget(t *testing.T) {
	tests := []struct {
		text string
		glob bool
		want Target
	}{
		{"train", false, Target{Name: "train"}},
		{"train@a", false, Target{Name: "train@a"}},
		{"train@a:b", false, Target{Name: "train@a:b"}},
		{":train", false, Target{"dvc.yaml", "train"}},
		{"sub/dvc.yaml", false, Target{File: "sub/dvc.yaml"}},
		{"sub/dvc.yaml:train", false, Target{"sub/dvc.yaml", "train"}},
		{"sub/dvc.yaml:train@x/y", false, Target{"sub/dvc.yaml", "train@x/y"}},
		{"../dvc.yaml:train", false, Target{"../dvc.yaml", "train"}},
		{"data.dvc", false, Target{File: "data.dvc"}},
		{"dir/data", false, Target{Name: "dir/data"}},
		{"t*", true, Target{"dvc.yaml", "t*"}},
		{"sub/dvc.yaml:t*", true, Target{"sub/dvc.yaml", "t*"}},
	}
	for _, tt := range tests {
		got, err := ParseTarget(tt.text, tt.glob)
		require.NoError(t, err, tt.text)
		assert.Equal(t, tt.want, got, tt.text)
	}
	_, err := ParseTarget("sub/dvc.lock:x", false)
	assert.EqualError(t, err, "Did you mean: `sub/dvc.yaml:x`?")
}

func TestFnmatch(t *testing.T) {
	tests := []struct {
		pattern, name string
		want          bool
	}{
		{"t*", "train", true},
		{"t*", "a/train", false},
		{"*n", "a/b\nn", true},
		{"tr?in", "train", true},
		{"tr[!a]in", "train", false},
		{"tr[a-c]in", "train", true},
		{"[", "[", true},
		{"[a", "[a", true},
		{"[]]", "]", true},
		{"[!]]", "]", false},
		{"[^a]", "^", true},
		{"a.b", "axb", false},
		{`\`, `\`, true},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, fnmatch(tt.pattern, tt.name), "%s %s", tt.pattern, tt.name)
	}
}

func FuzzTarget(f *testing.F) {
	for _, s := range []string{"train", "sub/dvc.yaml:t@a:b", "a[!x]*?", "dvc.lock", ":", "@", "[", "\\"} {
		f.Add(s, "train")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		for _, glob := range []bool{false, true} {
			got, err := ParseTarget(text, glob)
			if err == nil && got.File == "" && got.Name == "" && text != "" {
				t.Errorf("%q means nothing", text)
			}
		}
		fnmatch(text, name)
		if utf8.ValidString(name) && !fnmatch("*", name) {
			t.Errorf("* does not match %q", name)
		}
	})
}
