package data_test

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/data"
)

// The hashes are those that dvc cache migrate makes.
func TestMigrateCache(t *testing.T) {
	r, log := importRepo(t, "")
	write := func(name, text string) {
		file := filepath.Join(r.Root(), name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o777))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o444))
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(r.Root(), name))
		require.NoError(t, err)
		return string(text)
	}
	// DVC 2 took the line ends of text files for those of Unix.
	store := func(text, hashed, ext string) string {
		sum := md5.Sum([]byte(hashed))
		h := hex.EncodeToString(sum[:]) + ext
		write(".dvc/cache/"+h[:2]+"/"+h[2:], text)
		return h
	}
	text, binary := "a\r\nb\n", "\x00bin"
	ht, hb := store(text, "a\nb\n", ""), store(binary, binary, "")
	manifest := fmt.Sprintf(`[{"md5": "%s", "relpath": "s/y"}, {"md5": "%s", "relpath": "x"}]`, hb, ht)
	hd := store(manifest, manifest, ".dir")
	damaged := store("damaged", "what it was", "")
	write("t.txt", text)
	write("d/x", text)
	write("d/s/y", binary)
	write("t.txt.dvc", "outs:\n- md5: "+ht+"\n  size: 5\n  path: t.txt\n")
	write("d.dvc", "# keep\nouts:\n- md5: "+hd+"\n  size: 9\n  nfiles: 2\n  path: d\n")
	write("gone.dvc", "outs:\n- md5: "+ht+"\n  size: 5\n  path: gone\n")
	write("o", text)
	write("dvc.yaml", "stages:\n  s:\n    cmd: cp t.txt o\n    deps: [t.txt]\n    outs: [o]\n")
	write("dvc.lock", "schema: '2.0'\nstages:\n  s:\n    cmd: cp t.txt o\n    deps:\n    - path: t.txt\n      md5: "+ht+
		"\n      size: 5\n    outs:\n    - path: o\n      md5: "+ht+"\n      size: 5\n")

	require.NoError(t, r.MigrateCache(t.Context(), &data.MigrateOptions{Files: true, Dry: true}))
	assert.Contains(t, log.String(), "4 files will be re-hashed and migrated to the DVC 3.0 cache location.")
	assert.Contains(t, log.String(), `3.0 format:\n\td.dvc\n\tdvc.yaml (dvc.lock)\n\tgone.dvc\n\tt.txt.dvc`)
	assert.NoDirExists(t, filepath.Join(r.Root(), ".dvc/cache/files"))

	require.NoError(t, reopen(t, r.Root(), log).MigrateCache(t.Context(), nil))
	assert.Contains(t, log.String(), "Migrated 3 files")
	assert.Contains(t, log.String(), damaged)
	for hash, want := range map[string]string{
		"d6/44a230f3ef20b00879aaceb61790af": text, "12/17fd4971e71ce70af847b263aeac57": binary, "40/892f90b31ad93bafcd56a2270277b4.dir": manifest,
	} {
		assert.Equal(t, want, read(".dvc/cache/files/md5/"+hash))
	}
	assert.Contains(t, read("t.txt.dvc"), ht, "only the cache was migrated")

	require.NoError(t, reopen(t, r.Root(), log).MigrateCache(t.Context(), &data.MigrateOptions{Files: true}))
	assert.Equal(t, "outs:\n- md5: d644a230f3ef20b00879aaceb61790af\n  size: 5\n  path: t.txt\n  hash: md5\n", read("t.txt.dvc"))
	assert.Equal(t, "# keep\nouts:\n- md5: b857fa9d0981ffbcd1c7a76e96f39db6.dir\n  size: 9\n  nfiles: 2\n  path: d\n  hash: md5\n", read("d.dvc"))
	assert.Contains(t, read("dvc.lock"), "    - path: t.txt\n      hash: md5\n      md5: d644a230f3ef20b00879aaceb61790af\n")
	assert.Contains(t, read("gone.dvc"), ht, "what is not here stays")
	assert.Contains(t, log.String(), "'gone.dvc' was not migrated")
}
