package data_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/data"
	"github.com/reprodl/reprodl/pipeline/remote"
	_ "github.com/reprodl/reprodl/pipeline/remote/s3"
	"github.com/reprodl/reprodl/pipeline/repofs"
)

const versionAware = "    version_aware = true\n"

// unfolded finds the line breaks that YAML puts before long ids, as this server has them.
var unfolded = regexp.MustCompile(`version_id: \n +`)

// The .dvc file of a push is DVC's: the list of the files in place of the hash.
func TestPushVersions(t *testing.T) {
	b := newVersionedBucket(t, versionAware)
	b.write("d/a", "a")
	b.write("d/sub/b", "b")
	b.write("f", "f")
	b.add("d", "f")
	assert.Equal(t, []string{"at/d/a", "at/d/sub/b", "at/f"}, b.push())
	r := b.remote()
	version := func(key string) string {
		info, err := r.Stat(t.Context(), key)
		require.NoError(t, err)
		return info.Version
	}
	assert.Equal(t, `outs:
- hash: md5
  path: d
  files:
  - relpath: a
    md5: 0cc175b9c0f1b6a831c399e269772661
    size: 1
    cloud:
      up:
        etag: 0cc175b9c0f1b6a831c399e269772661
        version_id: `+version("d/a")+`
  - relpath: sub/b
    md5: 92eb5ffee6ae2fec3ad71c777531578f
    size: 1
    cloud:
      up:
        etag: 92eb5ffee6ae2fec3ad71c777531578f
        version_id: `+version("d/sub/b")+"\n", unfolded.ReplaceAllString(b.read("d.dvc"), "version_id: "))
	assert.Equal(t, `outs:
- md5: 8fa14cdd754f91cc6554c9e71929cce7
  size: 1
  hash: md5
  path: f
  cloud:
    up:
      etag: 8fa14cdd754f91cc6554c9e71929cce7
      version_id: `+version("f")+"\n", unfolded.ReplaceAllString(b.read("f.dvc"), "version_id: "))
	old := b.read("d.dvc")
	assert.Empty(t, b.push(), "nothing new")
	assert.Equal(t, old, b.read("d.dvc"))

	// What is replaced or deleted later is still to be had.
	b.write("d/a", "a2")
	require.NoError(t, os.Remove(filepath.Join(b.repo.Root(), "d/sub/b")))
	b.add("d")
	assert.Equal(t, []string{"at/d/a"}, b.push())
	assert.NotContains(t, b.read("d.dvc"), "sub/b")
	require.NoError(t, r.Remove(t.Context(), "d/a", "d/sub/b", "f"))
	b.write("d.dvc", old)
	b.lose("d", "f")
	done, _, err := b.reopen().Pull(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, 3, done.Files)
	assert.Equal(t, []string{"a", "b", "f"}, []string{b.read("d/a"), b.read("d/sub/b"), b.read("f")})
	assert.Equal(t, old, b.read("d.dvc"))
}

// A part is sent alone, and the list keeps the other files.
func TestPushVersionsPart(t *testing.T) {
	b := newVersionedBucket(t, versionAware)
	for _, name := range []string{"d/a", "d/b"} {
		b.write(name, name)
	}
	b.add("d")
	assert.Equal(t, []string{"at/d/a"}, b.push("d/a"))
	assert.Contains(t, b.read("d.dvc"), "relpath: b")
	assert.Equal(t, []string{"at/d/b"}, b.push())
	b.lose("d")
	_, _, err := b.reopen().Pull(t.Context(), nil, "d/b")
	require.NoError(t, err)
	assert.Equal(t, "d/b", b.read("d/b"))
	assert.NoFileExists(t, filepath.Join(b.repo.Root(), "d/a"))
}

// A push that fails or is cut off leaves files that name only what is there; the next
// one makes no second version of anything.
func TestPushVersionsCut(t *testing.T) {
	const n = 12
	for _, how := range []string{"refused", "cancelled"} {
		for at := 1; at <= n; at += 3 {
			t.Run(fmt.Sprint(how, at), func(t *testing.T) {
				b := newVersionedBucket(t, versionAware)
				for i := range n {
					b.write(fmt.Sprintf("d/%02d", i), fmt.Sprint("content ", i))
				}
				b.add("d")
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				b.hook = func(puts int) bool {
					if how == "cancelled" && puts >= at {
						cancel()
					}
					return how == "cancelled" || puts < at
				}
				_, err := b.reopen().Push(ctx, nil)
				require.Error(t, err)
				b.hook = nil
				b.push()
				// One version of each file, and each is recorded.
				versions := map[string]int{}
				for info, err := range b.remote().ListVersions(t.Context(), "d/") {
					require.NoError(t, err)
					versions[info.Key]++
					assert.Contains(t, b.read("d.dvc"), info.Version)
				}
				require.Len(t, versions, n)
				for key, count := range versions {
					assert.Equal(t, 1, count, key)
				}
				b.lose("d")
				_, _, err = b.reopen().Pull(t.Context(), nil)
				require.NoError(t, err)
				assert.Equal(t, "content 7", b.read("d/07"))
			})
		}
	}
}

// A killed push has written no .dvc file: what it sent is found again.
func TestPushVersionsForgotten(t *testing.T) {
	b := newVersionedBucket(t, versionAware)
	b.write("d/a", "a")
	b.write("f", "f")
	b.add("d", "f")
	before := map[string]string{"d.dvc": b.read("d.dvc"), "f.dvc": b.read("f.dvc")}
	b.push()
	after := b.read("d.dvc")
	for name, text := range before {
		b.write(name, text)
	}
	assert.Empty(t, b.push())
	assert.Equal(t, after, b.read("d.dvc"))
}

func TestVersionsUnsupported(t *testing.T) {
	b := newVersionedBucket(t, versionAware)
	b.write("f", "f")
	b.add("f")
	_, err := b.reopen().Push(t.Context(), &data.TransferOptions{Commits: data.Commits{AllCommits: true}})
	assert.ErrorContains(t, err, "Multiple rev push is unsupported for cloud versioned remotes")
	_, err = b.reopen().CloudStatus(t.Context(), nil)
	assert.ErrorContains(t, err, "'status' is unsupported for cloud versioned remotes")
	err = b.reopen().GC(t.Context(), &data.GCOptions{Workspace: true, Cloud: true})
	assert.ErrorContains(t, err, "'gc -c' is unsupported for cloud versioned remotes")
	_, err = b.reopen().Add(t.Context(), &data.AddOptions{ToRemote: true}, "f")
	assert.ErrorContains(t, err, "'add' is unsupported for cloud versioned remotes")

	// The run cache has no place there.
	_, err = b.reopen().Push(t.Context(), &data.TransferOptions{RunCache: true})
	require.NoError(t, err)
	assert.Contains(t, b.log.String(), "failed to push run cache: config file error: 'push --run-cache' is unsupported for cloud versioned remotes")
	b.write("f", "g")
	b.add("f")
	_, err = b.reopen().Fetch(t.Context(), &data.TransferOptions{RunCache: true})
	require.NoError(t, err)
	assert.Contains(t, b.log.String(), "failed to pull run cache: config file error: 'fetch --run-cache' is unsupported for cloud versioned remotes")

	// Never pushed, and not here.
	b.lose("f")
	_, err = b.reopen().Fetch(t.Context(), nil)
	assert.ErrorContains(t, err, "1 files failed to download")
	assert.Contains(t, b.log.String(), `Some files are missing cloud version information and will not be fetched from the remote:\ns3://b/at/f`)
}

// A remote that keeps no versions is refused before anything in it is replaced.
func TestVersionsNotKept(t *testing.T) {
	r, _ := importRepo(t, "    remote = up\n['remote \"up\"']\n    url = ../store\n"+versionAware)
	require.NoError(t, os.WriteFile(filepath.Join(r.Root(), "f"), []byte("f"), 0o666))
	_, err := r.Add(t.Context(), nil, "f")
	require.NoError(t, err)
	_, err = r.Push(t.Context(), nil)
	assert.ErrorContains(t, err, "keeps no versions")
	assert.ErrorIs(t, err, remote.ErrUnversioned)
}

// Two paths of the same content, one of them moved: each has its own version.
func TestVersionsMoved(t *testing.T) {
	b := newVersionedBucket(t, versionAware)
	b.write("f", "same")
	b.write("g", "same")
	b.add("f", "g")
	assert.Equal(t, []string{"at/f", "at/g"}, b.push())
	require.NoError(t, b.reopen().Move(t.Context(), "f", "h"))
	assert.NotContains(t, b.read("h.dvc"), "version_id")
	assert.Equal(t, []string{"at/h"}, b.push())
	b.lose("g", "h")
	assert.ErrorContains(t, b.reopen().Move(t.Context(), "h", "i"), "fetch h first")
	done, _, err := b.reopen().Pull(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, 2, done.Files)
	assert.Equal(t, "same", b.read("h"))
}

func TestUpdateWorktree(t *testing.T) {
	b := newVersionedBucket(t, "    worktree = true\n")
	b.write("d/a", "a")
	b.write("d/b", "b")
	b.write("f", "f")
	b.add("d", "f")
	b.push()
	r := b.remote()
	put := func(key, text string) {
		_, err := r.Put(t.Context(), key, remote.Bytes([]byte(text)))
		require.NoError(t, err)
	}
	put("d/a", "new a")
	put("d/c/d", "deep")
	put("f", "new f")
	require.NoError(t, r.Remove(t.Context(), "d/b"))
	// Work that is saved nowhere is not overwritten.
	b.write("d/a", "mine")
	err := b.reopen().Update(t.Context(), nil, "d.dvc")
	require.ErrorAs(t, err, new(*data.UnsavedError))
	assert.Equal(t, "mine", b.read("d/a"))
	b.write("d/a", "a")

	require.NoError(t, b.reopen().Update(t.Context(), nil, "d.dvc", "f.dvc"))
	assert.Equal(t, []string{"new a", "deep", "new f"}, []string{b.read("d/a"), b.read("d/c/d"), b.read("f")})
	assert.NoFileExists(t, filepath.Join(b.repo.Root(), "d/b"))
	assert.Empty(t, b.push(), "it is there")
	b.lose("d", "f")
	_, _, err = b.reopen().Pull(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, "deep", b.read("d/c/d"))
}

func TestVersionsInData(t *testing.T) {
	b := newVersionedBucket(t, versionAware)
	b.write("d/a", "a")
	b.write("f", "f")
	b.add("d", "f")
	st, err := b.reopen().DataStatus(t.Context(), &data.StatusOptions{NotInRemote: true})
	require.NoError(t, err)
	assert.Equal(t, []string{"d/", "f"}, st.NotInRemote)
	b.push()
	st, err = b.reopen().DataStatus(t.Context(), &data.StatusOptions{NotInRemote: true})
	require.NoError(t, err)
	assert.Empty(t, st.NotInRemote)
	// The list in the file tells what a directory is, without any manifest.
	b.lose("d")
	require.NoError(t, b.reopen().GC(t.Context(), &data.GCOptions{Workspace: true}))
	_, _, err = b.reopen().Pull(t.Context(), nil)
	require.NoError(t, err)
	// A plain remote gets all that it needs.
	b.lose("d")
	_, err = b.reopen().Fetch(t.Context(), nil)
	require.NoError(t, err)
	store := filepath.Join(t.TempDir(), "plain")
	f, err := os.OpenFile(filepath.Join(b.repo.Root(), ".dvc/config"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = fmt.Fprintf(f, "['remote \"plain\"']\n    url = %s\n", store)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	done, err := b.reopen().Push(t.Context(), &data.TransferOptions{Remote: "plain"})
	require.NoError(t, err)
	assert.Equal(t, 3, done.Files)
	b.lose("d", "f")
	_, _, err = b.reopen().Pull(t.Context(), &data.TransferOptions{Remote: "plain"})
	require.NoError(t, err)
	assert.Equal(t, "a", b.read("d/a"))
}

// Another repository's versions are read where they are: those of its remote, and
// those of the sources of its imports, also without their data.
func TestVersionsRead(t *testing.T) {
	b := newVersionedBucket(t, versionAware)
	r := b.remote()
	for key, text := range map[string]string{"src/f": "source f", "src/d/x": "x", "src/d/sub/y": "y"} {
		_, err := r.Put(t.Context(), key, remote.Bytes([]byte(text)))
		require.NoError(t, err)
	}
	b.write("own/a", "own a")
	b.write("g", "own g")
	b.add("own", "g")
	b.push()
	for name, opts := range map[string]data.ImportOptions{"f": {}, "d": {}, "d2": {NoDownload: true, Out: "d2"}, "f2": {NoDownload: true, Out: "f2"}} {
		_, err := b.reopen().ImportURL(t.Context(), "remote://up/src/"+name[:1], &data.ImportURLOptions{VersionAware: true, ImportOptions: opts})
		require.NoError(t, err)
	}
	// What is newer by now is not wanted.
	for key := range map[string]string{"src/f": "", "src/d/x": "", "own/a": ""} {
		_, err := r.Put(t.Context(), key, remote.Bytes([]byte("newer")))
		require.NoError(t, err)
	}
	b.lose("own", "g", "f", "d")
	fsys, err := repofs.Open(t.Context(), b.repo.Root(), nil)
	require.NoError(t, err)
	defer fsys.Close()
	for name, want := range map[string]string{
		"own/a": "own a", "g": "own g", "f": "source f", "f2": "source f", "d/x": "x", "d/sub/y": "y", "d2/x": "x", "d2/sub/y": "y",
	} {
		got, err := fs.ReadFile(fsys, name)
		require.NoError(t, err, name)
		assert.Equal(t, want, string(got), name)
	}
	_, err = fs.ReadFile(fsys, "d2/none")
	assert.ErrorIs(t, err, fs.ErrNotExist)
	at, err := fsys.Address("g")
	require.NoError(t, err)
	assert.Contains(t, at, "s3://b/at/g?versionId=")
	at, err = fsys.Address("d2/x")
	require.NoError(t, err)
	assert.Contains(t, at, "s3://b/at/src/d/x?versionId=")
	entries, err := fs.ReadDir(fsys, "d2")
	require.NoError(t, err)
	assert.Len(t, entries, 2)
}
