package esc50_test

import (
	"archive/zip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/reprodl/reprodl/esc50"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const header = "filename,fold,target,category,esc10,src_file,take\n"

func tree(meta string, audio ...string) fstest.MapFS {
	fsys := fstest.MapFS{"meta/esc50.csv": {Data: []byte(meta)}}
	for _, name := range audio {
		fsys["audio/"+name] = &fstest.MapFile{Data: riff(format(1, 1, 8000, 16), chunk{"data", make([]byte, 16)})}
	}
	return fsys
}

func TestOpen(t *testing.T) {
	d, err := esc50.Open(tree(header+"1-7-A-0.wav,1,0,dog,True,7,A\n2-8-B-36.wav,2,36,vacuum_cleaner,False,8,B\n", "1-7-A-0.wav", "2-8-B-36.wav"))
	require.NoError(t, err)
	defer d.Close()
	assert.Equal(t, []esc50.Clip{
		{File: "1-7-A-0.wav", Fold: 1, Target: 0, Category: "dog", ESC10: true, Source: "7", Take: "A"},
		{File: "2-8-B-36.wav", Fold: 2, Target: 36, Category: "vacuum_cleaner", Source: "8", Take: "B"},
	}, d.Clips)
	assert.Equal(t, []int{1, 2}, d.Folds())
	classes := d.Classes()
	assert.Len(t, classes, 37)
	assert.Equal(t, "vacuum_cleaner", classes[36])
	assert.Equal(t, "", classes[1])
	assert.Len(t, d.Subset(func(c esc50.Clip) bool { return c.ESC10 }).Clips, 1)
}

func TestOpenInOneDirectory(t *testing.T) {
	fsys := fstest.MapFS{}
	for name, f := range tree(header+"a.wav,1,0,dog,True,7,A\n", "a.wav") {
		fsys["ESC-50-master/"+name] = f
	}
	d, err := esc50.Open(fsys)
	require.NoError(t, err)
	assert.Len(t, d.Clips, 1)
}

func TestOpenRefuses(t *testing.T) {
	row := "a.wav,1,0,dog,True,7,A\n"
	for _, tc := range []struct {
		name, want string
		fsys       fstest.MapFS
	}{
		{"empty", "no meta/esc50.csv", fstest.MapFS{}},
		{"no audio", "audio", tree(header + row)},
		{"clip missing", "1 of 2 clips are missing from audio, the first is b.wav", tree(header+row+"b.wav,1,0,dog,True,7,A\n", "a.wav")},
		{"empty csv", "no header", tree("", "a.wav")},
		{"only header", "no clips", tree(header, "a.wav")},
		{"no column", `line 1: no column "esc10"`, tree("filename,fold,target,category\na.wav,1,0,dog\n", "a.wav")},
		{"bad fold", `line 2: fold is "x"`, tree(header+"a.wav,x,0,dog,True,7,A\n", "a.wav")},
		{"bad target", `line 3: target is "-1"`, tree(header+row+"b.wav,1,-1,dog,True,7,A\n", "a.wav")},
		{"bad flag", `esc10 is "maybe"`, tree(header+"a.wav,1,0,dog,maybe,7,A\n", "a.wav")},
		{"twice", "line 3: a.wav is already on line 2", tree(header+row+row, "a.wav")},
		{"two names", `line 3: target 0 is category "cat", but was "dog"`, tree(header+row+"b.wav,1,0,cat,True,7,A\n", "a.wav", "b.wav")},
		{"escape", "isn't the name of a file", tree(header+"../a.wav,1,0,dog,True,7,A\n", "a.wav")},
		{"short row", "wrong number of fields", tree(header+"a.wav,1\n", "a.wav")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := esc50.Open(tc.fsys)
			require.ErrorIs(t, err, esc50.ErrDataset)
			assert.ErrorContains(t, err, tc.want)
			assert.ErrorContains(t, err, "get ESC-50 with")
		})
	}
}

func TestOpenPath(t *testing.T) {
	dir := t.TempDir()
	_, err := esc50.OpenPath(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.ErrorIs(t, err, esc50.ErrDataset)

	_, err = esc50.OpenPath(dir)
	require.ErrorIs(t, err, esc50.ErrDataset)
	assert.ErrorContains(t, err, dir)

	name := filepath.Join(dir, "esc.zip")
	require.NoError(t, os.WriteFile(name, []byte("PK not really"), 0o666))
	_, err = esc50.OpenPath(name)
	require.ErrorIs(t, err, esc50.ErrDataset)

	f, err := os.Create(name)
	require.NoError(t, err)
	z := zip.NewWriter(f)
	for path, file := range tree(header+"a.wav,1,0,dog,True,7,A\n", "a.wav") {
		w, err := z.Create("ESC-50-master/" + path)
		require.NoError(t, err)
		_, err = w.Write(file.Data)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	require.NoError(t, f.Close())
	d, err := esc50.OpenPath(name)
	require.NoError(t, err)
	assert.Equal(t, "a.wav", d.Clips[0].File)
	assert.NoError(t, d.Close())
}

func TestKFold(t *testing.T) {
	splits := esc50.KFold([]int{1, 2, 3})
	assert.Equal(t, esc50.Split{Train: []int{1, 3}, Val: []int{2}, Test: []int{2}}, splits[1])
	assert.Len(t, splits, 3)
}

func FuzzOpen(f *testing.F) {
	f.Add(header + "a.wav,1,0,dog,True,7,A\n")
	f.Add("\ufeff" + strings.ToUpper(header) + `"a.wav",1,0,"d""og",true,,` + "\n")
	f.Fuzz(func(t *testing.T, meta string) {
		d, err := esc50.Open(tree(meta, "a.wav"))
		if err != nil {
			assert.ErrorIs(t, err, esc50.ErrDataset)
			return
		}
		assert.Equal(t, "a.wav", d.Clips[0].File)
	})
}
