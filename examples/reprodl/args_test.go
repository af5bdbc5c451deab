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
		{"stage add -n x -- cmd --targets a", "stage add -n x -- cmd --targets a"},
	}
	for _, tt := range tests {
		assert.Equal(t, tt.want, strings.Join(expandLists(strings.Fields(tt.args)), " "))
	}
}
