// Package golden finds the directory of recorded reference cases that the
// golden tests of this module run against.
//
// The cases are recorded from the programs whose behaviour this module
// reproduces and live outside the repository: under $REPRODL_GOLDEN, or in
// ../shared/golden seen from the module root.
package golden

import (
	"os"
	"path/filepath"
	"testing"
)

// EnvDir names the environment variable that points to the cases.
const EnvDir = "REPRODL_GOLDEN"

// Dir returns the absolute path of the cases called sub ("dvc", "live", "mel",
// "audionet"). When there are none the test is skipped with a message, except
// under CI=true, where missing cases fail it.
func Dir(t testing.TB, sub string) string {
	t.Helper()
	root := os.Getenv(EnvDir)
	if root == "" {
		module, ok := moduleRoot()
		if !ok {
			missing(t, "no go.mod above the working directory and "+EnvDir+" is not set")
			return ""
		}
		root = filepath.Join(module, "..", "shared", "golden")
	}
	root, err := filepath.Abs(root)
	if err != nil {
		t.Fatalf("golden cases: %v", err)
	}
	dir := filepath.Join(root, sub)
	if fi, err := os.Stat(dir); err != nil || !fi.IsDir() {
		missing(t, dir+" is not a directory; set "+EnvDir+" to the directory that holds "+sub)
		return ""
	}
	return dir
}

// missing skips the test, or fails it where the cases are expected to be.
func missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("golden cases: %s", why)
	} else {
		t.Skipf("golden cases: %s", why)
	}
}

// moduleRoot walks up from the working directory, which go test sets to the
// directory of the package under test, to the directory with go.mod.
func moduleRoot() (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, true
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", false
		}
		dir = up
	}
}
