package reprodl_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	module = "github.com/reprodl/reprodl/"
	alone  = "alone " // before a path: that package, but not those below it
)

// TestLayers holds the map in doc.go against the import graph. A rule forbids
// packages (and all below them) to whatever matches its path.
func TestLayers(t *testing.T) {
	rules := []struct {
		of     string
		forbid []string
		why    string
	}{
		{"params", []string{"github.com/gomlx", "gonum.org", module + "live", module + "pipeline", module + "experiment", module + "esc50"},
			"parameters are read by programs that want nothing else"},
		{"live", []string{"net/http", "github.com/gomlx", "gonum.org", module + "params", module + "pipeline", module + "experiment", module + "esc50"},
			"a training loop imports the logger, not the machine learning framework or DVC's"},
		{"pipeline", []string{"github.com/gomlx", "gonum.org", module + "live", module + "experiment", module + "esc50"},
			"pipelines run any program"},
		{"pipeline", []string{module + "pipeline/values", module + "internal/vega", module + "internal/report"},
			"who runs stages compiles no plots"},
		{"pipeline/data", []string{alone + module + "pipeline", module + "internal/gocode", module + "internal/classicpage",
			module + "internal/vega", module + "internal/report"},
			"who only wants the data runs nothing"},
		{"pipeline/repofs", []string{alone + module + "pipeline", module + "pipeline/data", module + "internal/gocode", module + "pipeline/remote/s3",
			module + "pipeline/remote/ssh", "github.com/gomlx"},
			"files are read, and by the drivers that the program chose"},
		{"pipeline/values", []string{module + "internal/gocode", module + "internal/classicpage"},
			"values are read, not made"},
		{"pipeline/values", []string{alone + module + "pipeline"},
			"a handle of package data is enough"},
		{"internal/project", []string{module + "internal/transfer", module + "pipeline"},
			"what is shared knows none of those that share it"},
		{"experiment", []string{"github.com/gomlx", module + "live", module + "esc50"},
			"experiments record any pipeline"},
		{"experiment", []string{"go.etcd.io/bbolt", module + "experiment/queue", module + "experiment/compare", module + "experiment/search"},
			"who runs experiments compiles no queue, table or search"},
		{"experiment/compare", []string{"go.etcd.io/bbolt", module + "experiment/queue", module + "experiment/search"},
			"a table is made of what others tell"},
		{"experiment/queue", []string{module + "experiment/compare", module + "experiment/search"},
			"a worker shows nothing and searches nothing"},
		{"experiment/queue", []string{"github.com/nats-io", module + "experiment/queue/hub", module + "experiment/queue/slurm"},
			"a queue of one machine compiles nothing of the network"},
		{"experiment/queue/slurm", []string{"github.com/nats-io", module + "experiment/queue/hub"},
			"Slurm is reached by its own commands"},
		{"experiment/search", []string{module + "experiment", module + "pipeline", module + "params", module + "live"},
			"a search proposes parameters to whatever runs"},
		{"experiment/provenance", []string{module + "experiment", module + "pipeline", module + "params", module + "live", module + "internal"},
			"records are read without running anything"},
		{"esc50", []string{module + "params", module + "live", module + "pipeline", module + "experiment"},
			"callers compose the packages, the model does not"},
		{"examples/reprodl", []string{"github.com/gomlx", module + "esc50"},
			"a command line that starts in milliseconds"},
	}
	// What stands below all: values and configuration, no parameters and no pipelines.
	below := []string{module + "params/ordered", module + "params/pyjson", module + "pipeline/config"}
	for _, rule := range rules {
		t.Run(rule.of, func(t *testing.T) {
			for _, dep := range dependencies(t, module+rule.of) {
				if dep == module+rule.of || slices.Contains(below, dep) {
					continue
				}
				for _, bad := range rule.forbid {
					assert.False(t, under(dep, bad), "%s imports %s: %s", rule.of, dep, rule.why)
				}
			}
		})
	}
}

// TestDriversAreImportedForEffect: whoever asks for no driver compiles none of
// them, nor the libraries of clouds that they stand on.
func TestDriversAreImportedForEffect(t *testing.T) {
	drivers := []string{"azure", "gs", "http", "s3", "ssh", "webdav"}
	for _, of := range []string{"params", "live", "pipeline", "pipeline/data", "pipeline/values", "experiment", "pipeline/remote"} {
		for _, dep := range dependencies(t, module+of) {
			for _, driver := range drivers {
				assert.False(t, under(dep, module+"pipeline/remote/"+driver), "%s imports %s", of, dep)
			}
			for _, library := range []string{"github.com/aws", "github.com/Azure", "golang.org/x/oauth2", "cloud.google.com", "golang.org/x/crypto/ssh", "github.com/pkg/sftp"} {
				assert.False(t, under(dep, library), "%s imports %s", of, dep)
			}
		}
	}
	all := dependencies(t, module+"pipeline/remote/all")
	for _, driver := range drivers {
		assert.Contains(t, all, module+"pipeline/remote/"+driver)
		for _, dep := range dependencies(t, module+"pipeline/remote/"+driver) {
			for _, other := range drivers {
				assert.False(t, other != driver && under(dep, module+"pipeline/remote/"+other), "%s imports %s", driver, dep)
			}
		}
	}
}

// TestGoMLXOnlyWhereItIsUsed asks every package of the module, the subpackages
// included: only the model, the examples and hooks named for GoMLX may.
func TestGoMLXOnlyWhereItIsUsed(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "./...").Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		pkg, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		if under(pkg, module+"esc50") || under(pkg, module+"examples") || strings.Contains(pkg, "gomlx") {
			continue
		}
		assert.NotContains(t, imports, "github.com/gomlx", "%s imports GoMLX", pkg)
	}
}

// TestExamplesAreCallers: the commands are made of what others can import, too.
func TestExamplesAreCallers(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "./examples/...").Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		pkg, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		assert.NotContains(t, imports, module+"internal/", "%s imports an internal package", pkg)
	}
}

func dependencies(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", pkg).CombinedOutput()
	require.NoError(t, err, string(out))
	return strings.Fields(string(out))
}

func under(pkg, path string) bool {
	if path, ok := strings.CutPrefix(path, alone); ok {
		return pkg == path
	}
	path = strings.TrimSuffix(path, "/")
	return pkg == path || strings.HasPrefix(pkg, path+"/")
}
