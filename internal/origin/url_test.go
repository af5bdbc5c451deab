package origin

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/remote"
)

func TestSplit(t *testing.T) {
	tests := []struct{ url, dir, name string }{
		{"s3://b/dir/f", "s3://b/dir", "f"},
		{"s3://b/dir/", "s3://b", "dir"},
		{"s3://b/f", "s3://b", "f"},
		{"s3://b", "s3://b", ""},
		{"s3://b/a?b%20c", "s3://b", "a?b%20c"}, // a key is taken as it is
		{"http://h:1/d/f?x=a%2Fb", "http://h:1/d?x=a%2Fb", "f"},
		{"https://h/a%20b", "https://h", "a%20b"}, // and so is an address
		{"https://h/d%2Fe/f?q#frag", "https://h/d%2Fe?q", "f"},
		{"webdavs://h/a%20b", "webdavs://h", "a b"},
		{"https://h/a%2Fb", "https://h", "a%2Fb"},
		{"ssh://u@h//srv/d", "ssh://u@h/srv", "d"},
	}
	for _, tt := range tests {
		c, name, err := split(remote.Config{URL: tt.url})
		require.NoError(t, err, tt.url)
		assert.Equal(t, tt.dir, c.URL, tt.url)
		assert.Equal(t, tt.name, name, tt.url)
	}
}

// The names are those of dvc import-url.
func TestNameOf(t *testing.T) {
	for url, want := range map[string]string{
		"http://h/a%2Fb": "a%2Fb", "http://h/a b": "a b", "http://h/d%20e/f.txt?x=a%2Fb&y=1+2": "f.txt", "http://h/f.txt#frag": "f.txt",
		"http://h/f%23g.txt": "f%23g.txt", "http://h/dir/f.txt/": "f.txt", "http://h/d/../f": "f", "http://h/f;p=1,2.txt": "f",
		"http://h/a%zz": "a%zz", "s3://b/k;v": "k;v", "s3://b": "/", "dir/f;x?y#z": "f;x?y#z", "http://h/f[1]{2}|^`.txt": "f[1]{2}|^`.txt",
	} {
		assert.Equal(t, want, NameOf(url), url)
	}
}

// The checksum is what DVC recorded of a directory in a bucket.
func TestHashSums(t *testing.T) {
	h, err := hashSums("etag", []string{"x", "y"}, []string{"9dd4e461268c8034f5c8564e155c67a6", "415290769594460e2e485922904f345d"})
	require.NoError(t, err)
	assert.Equal(t, "40aa0a0f40e89439ab3dc0d87cea147f.dir", h.String())
}
