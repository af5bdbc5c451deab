package remote_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/remotetest"
)

func TestDirectory(t *testing.T) {
	remotetest.Test(t, func(t *testing.T) remote.Remote { return remote.Dir(filepath.Join(t.TempDir(), "new")) })
}

func TestOpenDirectory(t *testing.T) {
	dir := t.TempDir()
	r, err := remote.Open(t.Context(), remote.Config{Name: "r", URL: "store", Dir: dir, Options: map[string]string{"shared": "group"}})
	require.NoError(t, err)
	_, err = r.Put(t.Context(), "files/md5/ab/c", remote.Bytes([]byte("x")))
	require.NoError(t, err)
	data, err := os.ReadFile(filepath.Join(dir, "store", "files", "md5", "ab", "c"))
	require.NoError(t, err)
	assert.Equal(t, "x", string(data))

	_, err = r.Stat(t.Context(), "../outside")
	assert.ErrorContains(t, err, "not a valid key")
}

// DVC writes to <repository>/file:/data when told file:///data.
func TestFileURL(t *testing.T) {
	_, err := remote.Open(t.Context(), remote.Config{Name: "r", URL: "file:///data"})
	assert.EqualError(t, err, "remote 'r': file:///data is not a path that DVC understands; write /data instead: dvc remote modify r url /data")
}

func TestUnknownScheme(t *testing.T) {
	for scheme, want := range map[string]string{
		"s3":     `remote 'r': no driver for s3://; import _ "github.com/reprodl/reprodl/pipeline/remote/s3"`,
		"https":  `import _ "github.com/reprodl/reprodl/pipeline/remote/http"`,
		"hdfs":   "ssh://",
		"oss":    "endpointurl = https://s3.oss-",
		"gdrive": "rclone serve s3",
		"gs":     `import _ "github.com/reprodl/reprodl/pipeline/remote/gs"`,
		"azure":  `import _ "github.com/reprodl/reprodl/pipeline/remote/azure"`,
		"ftp":    "there are drivers for azure://, gs://, http://, https://, s3://, ssh://, webdav://, webdavs://",
	} {
		_, err := remote.Open(t.Context(), remote.Config{Name: "r", URL: scheme + "://host/x"})
		assert.ErrorContains(t, err, want)
		assert.ErrorAs(t, err, new(*remote.DriverError))
	}
}

func TestRegister(t *testing.T) {
	var got remote.Config
	remote.Register("mine", func(_ context.Context, c remote.Config) (remote.Remote, error) {
		got = c
		return remote.Dir(t.TempDir()), nil
	})
	_, err := remote.Open(t.Context(), remote.Config{URL: "MINE://host/x"})
	require.NoError(t, err)
	assert.Equal(t, "MINE://host/x", got.URL)
	assert.Panics(t, func() { remote.Register("mine", nil) })
}

func TestResolve(t *testing.T) {
	known := map[string]remote.Config{
		"base": {Name: "base", URL: "s3://bucket/data/", Options: map[string]string{"region": "eu", "profile": "lab"}, Dir: "/conf"},
		"mid":  {Name: "mid", URL: "remote://base/mid", Options: map[string]string{"profile": "own"}},
		"loop": {Name: "loop", URL: "remote://loop2"}, "loop2": {Name: "loop2", URL: "remote://loop/x"},
	}
	lookup := func(name string) (remote.Config, error) {
		c, ok := known[name]
		if !ok {
			return c, fmt.Errorf("remote '%s' doesn't exist", name)
		}
		return c, nil
	}
	c, err := remote.Config{Name: "r", URL: "remote://mid/sub/dir"}.Resolve(lookup)
	require.NoError(t, err)
	assert.Equal(t, "s3://bucket/data/mid/sub/dir", c.URL)
	assert.Equal(t, map[string]string{"region": "eu", "profile": "own"}, c.Options)
	assert.Equal(t, "r", c.Name)
	assert.Equal(t, "lab", known["base"].Options["profile"])

	_, err = remote.Config{Name: "r", URL: "remote://loop"}.Resolve(lookup)
	assert.ErrorContains(t, err, "leads back")
	_, err = remote.Config{Name: "r", URL: "remote://nope/x"}.Resolve(lookup)
	assert.ErrorContains(t, err, "'nope' doesn't exist")
}

func TestErrorText(t *testing.T) {
	c := remote.Config{Name: "lab", URL: "ssh://me:s3cret@host/data", Options: map[string]string{"password": "hunter2", "user": "me"}}
	e := c.Fail("put", "files/md5/ab/c", errors.New("login me/hunter2 refused"))
	e.Kind, e.Tried, e.Fix = remote.ErrDenied, []string{"ssh-agent", "~/.ssh/id_ed25519"}, "dvc remote modify lab keyfile FILE"
	assert.Equal(t, "remote 'lab': put ssh://me@host/data/files/md5/ab/c: access denied: login me/*** refused; "+
		"tried ssh-agent, ~/.ssh/id_ed25519; dvc remote modify lab keyfile FILE", e.Error())
	assert.ErrorIs(t, e, remote.ErrDenied)

	// A URL alone has no remote that could be modified.
	c = remote.Config{URL: "s3://b"}
	e = c.Fail("get", "x", errors.New("no"))
	for fix, want := range map[string]string{
		"aws configure, dvc remote modify  profile PROFILE, or dvc remote modify --local  token TOKEN": "get s3://b/x: no; aws configure, --fs-config profile=PROFILE, or --fs-config token=TOKEN",
		"create it, or dvc remote modify  url s3://BUCKET/PATH":                                        "get s3://b/x: no; create it",
	} {
		e.Fix = fix
		assert.Equal(t, want, e.Error())
	}
	assert.ErrorIs(t, c.Fail("get", "x", context.Canceled), context.Canceled)
}

func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &remote.Error{Temporary: true, After: 3 * time.Second}
		tries, start := 0, time.Now()
		err := remote.Retry(t.Context(), nil, func() error {
			if tries++; tries < 3 {
				return slow
			}
			return nil
		})
		assert.NoError(t, err)
		assert.Equal(t, 3, tries)
		assert.Equal(t, 6*time.Second, time.Since(start), "the server said how long to wait")

		for _, c := range []struct {
			err  error
			want int
		}{
			{slow, 6}, {&remote.Error{Temporary: true, Kind: remote.ErrUnreachable}, 3}, {&remote.Error{}, 1}, {io.EOF, 1},
		} {
			tries = 0
			err := remote.Retry(t.Context(), nil, func() error { tries++; return c.err })
			assert.Equal(t, c.err, err)
			assert.Equal(t, c.want, tries, c.err)
		}
	})
}

func TestRetryEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := remote.Retry(ctx, &remote.RetryOptions{Wait: time.Hour, Max: time.Hour}, func() error {
		time.AfterFunc(time.Millisecond, cancel)
		return &remote.Error{Temporary: true}
	})
	assert.ErrorIs(t, err, context.Canceled)
}

// A program that wants no cloud compiles none.
func TestLight(t *testing.T) {
	const module = "github.com/reprodl/reprodl/"
	for _, pkg := range []string{"params", "live", "pipeline", "pipeline/remote"} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+pkg).Output()
		require.NoError(t, err)
		for dep := range strings.Lines(string(out)) {
			dep = strings.TrimSpace(dep)
			for _, heavy := range []string{"net/http", "github.com/aws/", "github.com/Azure/", "github.com/pkg/sftp", "golang.org/x/crypto/ssh", "golang.org/x/oauth2", module + "pipeline/remote/"} {
				assert.False(t, strings.HasPrefix(dep, heavy), "%s imports %s", pkg, dep)
			}
		}
	}
}
