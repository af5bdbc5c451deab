package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestExpandLists(t *testing.T) {
	tests := []struct{ args, want string }{
		{"metrics diff HEAD", "metrics diff HEAD"},
		{"metrics diff --targets a b --json", "metrics diff --targets=a --targets=b --json"},
		{"plots diff --targets --json x", "plots diff --json x"},
		{"gc -w -p a b", "gc -w --projects=a --projects=b"},
		{"plots modify x --unset title x_label", "plots modify x --unset=title --unset=x_label"},
		{"config --unset a.b", "config --unset a.b"},
		{"plots show -t simple a", "plots show --template=simple a"},
		{"plots show -t", "plots show"},
		{"data status --untracked-files", "data status --untracked-files=all"},
		{"data status --untracked-files no x", "data status --untracked-files=no x"},
		{"stage add -n x -- cmd --targets a", "stage add -n x -- cmd --targets a"},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, strings.Join(expandLists(new(app).root(), strings.Fields(tt.args)), " "))
	}
}
