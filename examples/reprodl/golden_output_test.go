//go:build unix

package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// deviations are the places where this program differs from dvc on purpose:
// "case step part" to the reason. The cases' README lists them as oddities of
// dvc; the scripts of package pipeline test what happens instead.
var deviations = map[string]string{
	"missing-dep 02 workspace": keepsOutputs,
	"missing-dep 02 status":    keepsOutputs,
	"missing-dep 03 workspace": keepsOutputs,
	"missing-dep 03 status":    keepsOutputs,
	"missing-dep 04 output":    keepsOutputs,

	"runcache-size-param 02 actions":        sizeCounts,
	"runcache-size-param 02 files dvc.lock": sizeCounts,
	"runcache-size-param 02 workspace":      sizeCounts,
	"runcache-size-param 02 cache":          sizeCounts,
	"runcache-size-param 02 runs":           sizeCounts,

	"params-multi-files 04 workspace": keepsOutputs,
	"params-multi-files 04 status":    keepsOutputs,
	"params-multi-files 05 output":    keepsOutputs,

	"command-failure 01 files .gitignore": keepsIgnored,
	"command-failure 02 files .gitignore": keepsIgnored,
	"command-failure 03 files .gitignore": keepsIgnored,

	"checkout-commit 10 exit":      verifies,
	"checkout-commit 10 error":     verifies,
	"checkout-commit 10 workspace": verifies,
	"checkout-commit 10 cache":     verifies,
	"checkout-commit 10 status":    verifies,
}

const (
	keepsOutputs = "outputs are deleted only when all dependencies and parameters were found"
	sizeCounts   = "a run is restored only if its recorded parameters are the present ones, one named size included"
	verifies     = "what a checkout copies is verified, whatever the mode of the object; a damaged one is removed and named"
	keepsIgnored = "a failed stage doesn't take back the .gitignore lines of those that succeeded"
)

// notRunnable are cases that cannot run here, with the reason.
var notRunnable = map[string]string{}

var actionLines = []struct {
	kind string
	line *regexp.Regexp
}{
	{"run", regexp.MustCompile(`^Running stage '(.*)':$`)},
	{"restore", regexp.MustCompile(`^Stage '(.*)' is cached - skipping run, checking out outputs$`)},
	{"skip", regexp.MustCompile(`^(?:Stage )?'(.*)' didn't change, skipping$`)},
	{"verify", regexp.MustCompile(`^Verifying (?:outputs in frozen|data sources in) stage: '(.*)'$`)},
	{"pull", regexp.MustCompile(`^Pulling data for stage: '(.*)'$`)},
}

// parseActions finds the stages in what repro printed, and the lines below
// each that was run.
func parseActions(stdout string) (actions [][2]string, output map[string][]string) {
	actions, output = [][2]string{}, map[string][]string{}
	current := ""
lines:
	for _, line := range strings.Split(stdout, "\n") {
		for _, a := range actionLines {
			if m := a.line.FindStringSubmatch(line); m != nil {
				actions = append(actions, [2]string{a.kind, m[1]})
				if current = ""; a.kind == "run" {
					current = m[1]
				}
				continue lines
			}
		}
		switch {
		case strings.HasPrefix(line, "Use `dvc push`"), strings.HasPrefix(line, "Data and pipelines"):
			current = ""
		case current != "" && line != "":
			output[current] = append(output[current], line)
		}
	}
	return actions, output
}

// errorClasses map a printed message to the class of error; the first match
// counts. The messages are dvc's, so this also checks that scripts which look
// for them find them here.
var errorClasses = []struct{ class, message string }{
	{"yaml_syntax", `' is invalid(\.| \(possible merge conflicts\)\.)\n`},
	{"schema_lock", `dvc\.lock' validation failed`},
	{"schema_dvcfile", `\.dvc' validation failed`},
	{"schema", `' validation failed`},
	{"interpolating_not_allowed", `^$`}, // recorded as vars
	{"params_unreadable", `(?i)unable to read`},
	{"params_is_directory", `is a directory, expected a parameters file`},
	{"missing_params", `Parameters '.*' are missing from`},
	{"cycle", `Same item\(s\) are defined as both a dependency and an output`},
	{"duplicate_output", `output '.*' is (already )?specified in`},
	{"overlapping_output", `(?s)The output paths:.*overlap`},
	{"output_is_dvcfile", `cannot be an output\.`},
	{"output_ignored", `^ERROR: Path '.*' is ignored by \.dvcignore`},
	{"output_ignored", `Path '.*' is ignored by .*\.dvcignore`},
	{"dvcignore_in_dir", `\.dvcignore file should not be in collected dir`},
	{"symlink_dir", `Cannot add files inside symlinked directories`},
	{"git_tracked", `is already tracked by SCM`},
	{"git_ignored", `is git-ignored`},
	{"external_output", `Saving cached external output|Cached output\(s\) outside`},
	{"add_overlap", `because it is overlapping with other`},
	{"add_pipeline_output", `overlaps with an output of stage`},
	{"exp_exists", `Experiment conflicts with existing`},
	{"exp_unknown", `is not a valid experiment name`},
	{"override_invalid", `Invalid .--set-param. value`},
	{"sweep_needs_queue", "Sweep overrides can't be used"},
	{"commit_needs_force", `unable to commit changed`},
	{"unsaved_files", `Can't remove the following unsaved files`},
	{"cache_missing", `Checkout failed for following|failed to pull data from the cloud|failed to transfer`},
	{"binary_metric", `cannot be used as metrics`},
	{"interpolation_missing_key", `failed to parse '.*' in '.*': Could not find '`},
	{"interpolation_type", `Cannot interpolate data of type`},
	{"interpolation_syntax", `failed to parse 'stages\..*' in '.*':\s*\n.*\n\s*\^`},
	{"foreach", `failed to resolve 'stages\..*' in`},
	{"vars", `failed to parse ('vars'|stage) `},
	{"command_failed", `failed to run: .*, exited with|failed to reproduce (stages: )?'[^']*'( and '[^']*')?\n`},
	{"missing_dep", `failed to reproduce '.*': \[Errno 2\] No such file|dependency '.*' does not exist`},
	{"missing_data", `missing data 'source'`},
	{"missing_output", `output '.*' does not exist`},
	{"stage_file_missing", `'.*' does not exist`},
	{"not_found", `Stage '.*' not found inside`},
	{"stage_name_invalid", `Stage name cannot contain`},
	{"stage_exists", `already exists`},
}

var errorPatterns = func() []*regexp.Regexp {
	list := make([]*regexp.Regexp, len(errorClasses))
	for i, c := range errorClasses {
		list[i] = regexp.MustCompile(c.message)
	}
	return list
}()

// errorClass is the kind of error that a printed message stands for. Warnings
// count only when no line says ERROR.
func errorClass(stderr string) string {
	var errs []string
	for _, line := range strings.SplitAfter(stderr, "\n") {
		if !strings.HasPrefix(line, "WARNING: ") {
			errs = append(errs, line)
		}
	}
	text := strings.Join(errs, "")
	for i, re := range errorPatterns {
		if re.MatchString(text) {
			return errorClasses[i].class
		}
	}
	if strings.TrimSpace(text) == "" {
		return ""
	}
	return "other: " + text
}

var (
	isoTime    = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d`)
	mainRef    = "refs/heads/main"
	blobPrefix = "100644 "
)

// normalise replaces what differs from run to run: commits, times and paths.
func (tr *goldenTree) normalise(t *testing.T, text string) string {
	t.Helper()
	for id, name := range tr.commits(t) {
		text = strings.ReplaceAll(text, id, name)
		text = strings.ReplaceAll(text, id[:7], name)
	}
	text = isoTime.ReplaceAllString(text, "<TIME>")
	return strings.ReplaceAll(text, tr.root, "<ROOT>")
}

// commits names the commits of main by their number and those of experiments
// by their ref.
func (tr *goldenTree) commits(t *testing.T) map[string]string {
	t.Helper()
	names := map[string]string{}
	refs := tr.git(t, "for-each-ref", "--format=%(objectname) %(refname)", "refs/exps")
	for _, line := range strings.Split(strings.TrimSpace(refs), "\n") {
		if id, ref, ok := strings.Cut(line, " "); ok && isExperiment(ref) {
			names[id] = "<EXP:" + ref[strings.LastIndexByte(ref, '/')+1:] + ">"
		}
	}
	mains := strings.Fields(tr.git(t, "rev-list", "--reverse", mainRef))
	for i, id := range mains {
		names[id] = "<COMMIT:" + strings.TrimPrefix(itoa2(i), "0") + ">"
		if i == 0 {
			names[id] = "<COMMIT:0>"
		}
	}
	return names
}

func isExperiment(ref string) bool {
	for _, dir := range []string{"apply", "celery", "exec", "temp", "stash"} {
		if rest, ok := strings.CutPrefix(ref, "refs/exps/"+dir); ok && (rest == "" || rest[0] == '/') {
			return false
		}
	}
	return strings.Count(ref, "/") == 4
}

// experiments are all experiment refs as the expectations describe them.
func (tr *goldenTree) experiments(t *testing.T) map[string]any {
	t.Helper()
	names := tr.commits(t)
	list := map[string]any{}
	refs := tr.git(t, "for-each-ref", "--format=%(refname)", "refs/exps")
	for _, ref := range strings.Fields(refs) {
		if !isExperiment(ref) {
			continue
		}
		parts := strings.Split(ref, "/")
		base := names[parts[2]+parts[3]]
		parents := []any{}
		for _, id := range strings.Fields(tr.git(t, "log", "-1", "--format=%P", ref)) {
			parents = append(parents, names[id])
		}
		raw := tr.git(t, "cat-file", "commit", ref)
		_, message, ok := strings.Cut(raw, "\n\n")
		require.True(t, ok)
		tree := map[string]any{}
		for _, line := range strings.Split(strings.Trim(tr.git(t, "ls-tree", "-r", "-z", ref), "\x00"), "\x00") {
			info, path, _ := strings.Cut(line, "\t")
			fields := strings.Fields(info)
			if path == ".dvc/tmp/repro.dat" || len(fields) != 3 {
				continue
			}
			tree[path] = fields[2]
			if !strings.HasPrefix(info, blobPrefix) {
				tree[path] = fields[0] + ":" + fields[2]
			}
		}
		name := "refs/exps/" + base + "/" + parts[4]
		list[name] = map[string]any{
			"ref": name, "name": parts[4], "baseline": base,
			"parents": parents, "message": message, "tree": tree,
		}
	}
	return list
}
