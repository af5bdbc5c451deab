package live_test

import (
	"crypto/sha256"
	"fmt"
	"image"
	"image/color"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/classicpage"
)

// compareTree lists where the tree at work differs from what a case expects.
func compareTree(t *testing.T, work, dir string, want goldenExpect) (problems []string) {
	ignored := func(name string) bool {
		return slices.ContainsFunc(want.Not, func(pattern string) bool {
			return name == pattern || path.Base(name) == pattern || strings.HasPrefix(name, strings.TrimSuffix(pattern, "/")+"/")
		}) || path.Base(name) == "report.html"
	}
	got := make(map[string][]byte)
	entries := make(map[string]int)
	err := filepath.WalkDir(work, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(work, p)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		if ignored(name) || d.IsDir() && ignored(name+"/") {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		entries[path.Dir(name)]++
		if d.IsDir() {
			entries[name] += 0
			return nil
		}
		got[name], err = os.ReadFile(p)
		return err
	})
	require.NoError(t, err)
	wantFile := func(name string, data []byte) {
		have, ok := got[name]
		switch {
		case !ok:
			problems = append(problems, fmt.Sprintf("missing %s, want\n%s", name, data))
		case string(have) != string(data):
			problems = append(problems, fmt.Sprintf("%s: got\n%q\nwant\n%q", name, have, data))
		}
	}
	for name, info := range want.Files {
		if strings.HasSuffix(name, ".html") {
			got[name] = []byte(strings.ReplaceAll(string(got[name]), classicpage.CDN, "CDN/"))
		}
		if data, ok := want.Inline[name]; ok {
			wantFile(name, data)
		} else if data, err := os.ReadFile(filepath.Join(dir, "expect", filepath.FromSlash(name))); err == nil {
			wantFile(name, data)
		} else if sum := fmt.Sprintf("%x", sha256.Sum256(got[name])); sum != info.SHA256 {
			problems = append(problems, fmt.Sprintf("%s: got %q, want sha256 %s", name, got[name], info.SHA256))
		}
	}
	for name, info := range want.Images {
		if problem := compareImage(filepath.Join(work, filepath.FromSlash(name)), info); problem != "" {
			problems = append(problems, name+": "+problem)
		}
	}
	for name := range got {
		if _, ok := want.Files[name]; ok {
			continue
		}
		if _, ok := want.Images[name]; !ok {
			problems = append(problems, "extra "+name)
		}
	}
	for _, name := range want.EmptyDirs {
		if n, ok := entries[strings.TrimSuffix(name, "/")]; !ok || n > 0 {
			problems = append(problems, fmt.Sprintf("%s: not an empty folder", name))
		}
	}
	slices.Sort(problems)
	return problems
}

func compareImage(file string, want goldenImage) string {
	f, err := os.Open(file)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	img, format, err := image.Decode(f)
	if err != nil {
		return err.Error()
	}
	b := img.Bounds()
	if !strings.EqualFold(format, want.Format) || b.Dx() != want.Width || b.Dy() != want.Height {
		return fmt.Sprintf("%s %v, want %+v", format, b, want)
	}
	if want.RGBA == "" {
		return ""
	}
	var pixels []byte
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			pixels = append(pixels, c.R, c.G, c.B, c.A)
		}
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256(pixels)); sum != want.RGBA {
		return fmt.Sprintf("pixels %s, want %s", sum, want.RGBA)
	}
	return ""
}
