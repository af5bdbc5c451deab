package api_test

import (
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	apiName    = regexp.MustCompile(`^pkg ([^,]+), (?:type|func|const|var) (\w+)`)
	apiMethod  = regexp.MustCompile(`^pkg ([^,]+), method \(\*?(\w+)\) (\w+)`)
	qualified  = regexp.MustCompile(`\b([a-z]\w*)\.([A-Z]\w*)(?:\.([A-Z]\w*))?`)
	codeSpan   = regexp.MustCompile("`([^`]+)`")
	bareName   = regexp.MustCompile(`^[A-Z]\w*$`)
	localLink  = regexp.MustCompile(`\]\(([^):]+)\)`)
	packageEnd = regexp.MustCompile(`^pkg ([^,]+),`)
)

// exported reads the list of the API: packages by the last element of their path, and
// names as "data.Repo" and "data.Repo.Add".
func exported(t *testing.T) (packages, names map[string]bool) {
	t.Helper()
	list, err := os.ReadFile("api.txt")
	require.NoError(t, err)
	packages, names = map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(list)) {
		if m := packageEnd.FindStringSubmatch(line); m != nil {
			packages[path.Base(m[1])] = true
		}
		if m := apiName.FindStringSubmatch(line); m != nil {
			names[path.Base(m[1])+"."+m[2]] = true
		} else if m := apiMethod.FindStringSubmatch(line); m != nil {
			names[path.Base(m[1])+"."+m[2]+"."+m[3]] = true
		}
	}
	return packages, names
}

// TestReadmeNames: each Go name in README exists. A name without a package, in the
// table, is of the type before it: "data.Repo.Add, Commit".
func TestReadmeNames(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	packages, names := exported(t)
	checked := 0
	for line := range strings.Lines(string(readme)) {
		owner := ""
		for _, span := range codeSpan.FindAllStringSubmatch(line, -1) {
			if m := qualified.FindStringSubmatch(span[1]); m != nil && packages[m[1]] {
				owner = m[1]
				if m[3] != "" {
					owner += "." + m[2]
				}
			} else if owner != "" && bareName.MatchString(span[1]) {
				assert.True(t, names[owner+"."+span[1]], "%s.%s in README", owner, span[1])
				checked++
			}
		}
		for _, m := range qualified.FindAllStringSubmatch(line, -1) {
			if packages[m[1]] {
				assert.True(t, names[strings.TrimSuffix(strings.Join(m[1:], "."), ".")], "%s in README", m[0])
				checked++
			}
		}
		for _, m := range localLink.FindAllStringSubmatch(line, -1) {
			assert.FileExists(t, "../../"+m[1])
		}
	}
	assert.Greater(t, checked, 40, "the names were found")
	assert.LessOrEqual(t, strings.Count(string(readme), "\n"), 120)
}

// TestInstallable: "go install …@latest", which README offers, refuses a module that
// replaces or excludes others.
func TestInstallable(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	assert.NotRegexp(t, `(?m)^(replace|exclude)\b`, string(mod))
}
