package compare

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestShowCacheSurvivesDamage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cache")
	id := func(c string) (id string) {
		for range 40 {
			id += c
		}
		return id
	}
	write := func(names ...string) {
		c := openShowCache(file)
		for _, n := range names {
			c.put(id(n), &Data{Time: time.Unix(7, 0), text: []byte("text of " + n)})
		}
		c.save()
	}
	write("a", "b")
	write("c")
	c := openShowCache(file)
	assert.Len(t, c.known, 3)
	fi, err := os.Stat(file)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(file, fi.Size()-5))
	c = openShowCache(file)
	assert.Len(t, c.known, 2, "what follows the damage is forgotten")
	write("d")
	c = openShowCache(file)
	assert.Len(t, c.known, 3)
	d, ok := c.get(id("d"))
	require.True(t, ok)
	assert.Equal(t, "text of d", string(d.text))
}

func FuzzShowRecord(f *testing.F) {
	f.Add([]byte(string(make([]byte, 40)) + " 1 00000000 0\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, _, n := parseShowRecord(data); n > len(data) {
			t.Fatal(n)
		}
	})
}
