package kernel

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLevelsOfOtherArchitecturesAreRefused(t *testing.T) {
	before := Current()
	architecture := map[string]string{"avx2": "amd64", "avx512": "amd64", "neon": "arm64"}
	for name, arch := range architecture {
		l, err := ParseLevel(name)
		require.NoError(t, err)
		assert.Equal(t, name, l.String())
		if arch == runtime.GOARCH {
			continue
		}
		_, err = SetLevel(l)
		assert.ErrorContains(t, err, "this machine has no "+name)
		assert.Equal(t, before, Current())
		assert.Equal(t, machine[len(machine)-1], initial(name))
	}
	_, err := ParseLevel("sse")
	assert.ErrorContains(t, err, "generic, avx2, avx512 or neon")
	assert.Equal(t, Generic, initial("generic"))
}
