package live_test

import (
	"encoding/json"
	"image"
	"image/color"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// peerPython returns the Python that runs the real dvclive: it lies beside
// $REPRODL_DVC, or beside the dvc in PATH.
func peerPython(t testing.TB) string {
	t.Helper()
	dvc := os.Getenv("REPRODL_DVC")
	if dvc == "" {
		found, err := exec.LookPath("dvc")
		if err != nil {
			t.Skip("no real dvclive: set REPRODL_DVC to the dvc command")
		}
		dvc = found
	}
	python := filepath.Join(filepath.Dir(dvc), "python")
	if err := exec.Command(python, "-c", "import importlib.util as u, sys; sys.exit(u.find_spec('dvclive') is None)").Run(); err != nil {
		t.Skipf("no dvclive beside %s: %v", dvc, err)
	}
	return python
}

// peerEnv keeps the real tools from phoning home and from shared state.
func peerEnv(t testing.TB) []string {
	return append(os.Environ(), "DVC_NO_ANALYTICS=1", "DVC_SITE_CACHE_DIR="+t.TempDir(),
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
}

// TestPeer makes the calls of cases with the real dvclive and
// with this package, and compares the trees, the failed calls and the steps.
func TestPeer(t *testing.T) { comparePeer(t, peerPython(t), "testdata/peer.json") }

// TestPeerNumpy compares what needs numpy, pillow or scikit-learn.
func TestPeerNumpy(t *testing.T) {
	python := peerPython(t)
	if err := exec.Command(python, "-c", "import numpy, PIL, sklearn").Run(); err != nil {
		t.Skip("the Python of the real dvclive lacks numpy, pillow or scikit-learn (PYTHONPATH may add them)")
	}
	comparePeer(t, python, "testdata/numpy.json")
}

func comparePeer(t *testing.T, python, cases string) {
	script, err := filepath.Abs("testdata/replay.py")
	require.NoError(t, err)
	file, err := filepath.Abs(cases)
	require.NoError(t, err)
	top := t.TempDir()
	cmd := exec.Command(python, script, file, top)
	cmd.Env = peerEnv(t)
	var log strings.Builder
	cmd.Stderr = &log
	out, err := cmd.Output()
	require.NoError(t, err, "%s", &log)
	var results map[string]struct {
		Errors []int
		Steps  map[string]json.Number
	}
	require.NoError(t, json.Unmarshal(out, &results))

	var list []struct {
		Case  string
		Git   bool
		Exact bool
		Calls []json.RawMessage
	}
	readJSON(t, file, &list)
	for _, c := range list {
		t.Run(c.Case, func(t *testing.T) {
			want := results[c.Case]
			work := t.TempDir()
			if c.Git {
				gitInit(t, work)
			}
			t.Chdir(work)
			r := newReplayer(t, "live-3", c.Exact)
			defer r.restore()
			r.failing = want.Errors
			for i, raw := range c.Calls {
				r.number = i
				if problem := r.call(raw); problem != "" {
					t.Errorf("call %d %s: %s", i, raw, problem)
				}
			}
			for name, step := range want.Steps {
				if l := r.loggers[name]; assert.NotNil(t, l, name) {
					got, _ := step.Int64()
					assert.Equal(t, int64(l.Step()), got, "step of %s", name)
				}
			}
			r.finish()
			compareDirs(t, work, filepath.Join(top, c.Case))
		})
	}
}

func compareDirs(t *testing.T, got, want string) {
	t.Helper()
	a, b := readTree(t, got), readTree(t, want)
	for name := range a {
		if _, ok := b[name]; !ok {
			t.Errorf("extra %q", name)
		}
	}
	for name, text := range b {
		have, ok := a[name]
		if !assert.True(t, ok, "missing %q", name) || have == text {
			continue
		}
		if slices.Contains([]string{".png", ".gif", ".jpg"}, filepath.Ext(name)) {
			comparePixels(t, filepath.Join(got, name), filepath.Join(want, name))
			continue
		}
		assert.Equal(t, text, have, name)
	}
}

// readTree returns the files below dir, and the folders with a slash.
func readTree(t *testing.T, dir string) map[string]string {
	tree := make(map[string]string)
	skip := []string{".dvc", ".git", ".dvcignore"}
	require.NoError(t, fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case slices.Contains(skip, d.Name()) && d.IsDir():
			return fs.SkipDir
		case slices.Contains(skip, d.Name()):
		case d.IsDir():
			tree[p+"/"] = ""
		default:
			data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(p)))
			tree[p] = string(data)
			return err
		}
		return nil
	}))
	return tree
}

// comparePixels compares images, those of lossless formats exactly.
func comparePixels(t *testing.T, got, want string) {
	t.Helper()
	a, b := decode(t, got), decode(t, want)
	require.Equal(t, b.Bounds(), a.Bounds(), want)
	for y := range b.Bounds().Dy() {
		for x := range b.Bounds().Dx() {
			p := color.NRGBAModel.Convert(a.At(x, y)).(color.NRGBA)
			q := color.NRGBAModel.Convert(b.At(x, y)).(color.NRGBA)
			if filepath.Ext(want) == ".jpg" {
				require.InDelta(t, q.G, p.G, 8, "%s at %d,%d", want, x, y)
			} else {
				require.Equal(t, q, p, "%s at %d,%d", want, x, y)
			}
		}
	}
}

func decode(t *testing.T, file string) image.Image {
	t.Helper()
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	img, _, err := image.Decode(f)
	require.NoError(t, err, file)
	return img
}
