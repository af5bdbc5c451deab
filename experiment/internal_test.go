package experiment

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/git"
)

func hostname() string { name, _ := os.Hostname(); return name }

func pid() int { return os.Getpid() }

func gitID(s string) git.ID { return git.ID(s) }

// truncate cuts n bytes off the end of a file.
func truncate(t *testing.T, file string, n int64) {
	fi, err := os.Stat(file)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(file, fi.Size()-n))
}
