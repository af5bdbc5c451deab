package pipeline

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
)

// target is the text of a target taken apart: a file and the name of a stage or
// group in it, either of which may be empty.
type target struct {
	file string // relative to the working directory
	name string
}

// targetForm is how DVC takes a target apart, before any "@".
var targetForm = regexp.MustCompile(`^(.*?)(?::([^\\/:]*))?$`)

func isStageFile(name string) bool { return dvcfile.IsStageFile(filepath.ToSlash(name)) }

func isNotFound(err error) bool {
	var e *notFoundError
	return errors.As(err, &e)
}

// parseTarget follows DVC: "file:name", "name", "file.dvc", "dir/dvc.yaml".
// With glob, name is a pattern.
func parseTarget(text string, glob bool) (target, error) {
	if glob {
		i := strings.LastIndexByte(text, ':')
		if i <= 0 {
			return target{dvcfile.ProjectName, text[i+1:]}, nil
		}
		return target{text[:i], text[i+1:]}, nil
	}
	group, key, hasKey := strings.Cut(text, "@")
	m := targetForm.FindStringSubmatch(group)
	if m == nil {
		return target{file: text}, nil
	}
	file, name := m[1], m[2]
	if name != "" && hasKey && key != "" {
		name += "@" + key
	}
	if file == "" {
		return target{dvcfile.ProjectName, name}, nil
	}
	if path.Base(filepath.ToSlash(file)) == dvcfile.LockName {
		return target{}, fmt.Errorf("Did you mean: `%s`?", strings.Replace(text, ".lock", ".yaml", 1))
	}
	if name == "" {
		if isStageFile(text) {
			return target{file: text}, nil
		}
		return target{name: text}, nil
	}
	return target{file, name}, nil
}

// resolve returns the stages that a target of repro means.
func (x *index) resolve(text string, opts scope) ([]*stage, error) {
	if opts.recursive {
		if abs := x.repo.userPath(text); isDir(abs) {
			return x.inside(abs)
		}
	}
	t, err := parseTarget(text, opts.glob)
	if err != nil {
		return nil, err
	}
	return x.stagesOf(t, opts.glob)
}

// userPath is a path of the user, relative to the working directory, as an
// absolute one.
func (r *Repo) userPath(p string) string {
	p = filepath.FromSlash(p)
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(r.dir, p)
}

func isDir(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.IsDir()
}

// inside returns the stages whose files lie below a directory, producers first.
func (x *index) inside(dir string) ([]*stage, error) {
	graph, err := x.build()
	if err != nil {
		return nil, err
	}
	var found []*stage
	for _, i := range graph.Plan(nil) {
		if s := x.stages[i]; isBelow(x.repo.abs(s.file), dir) {
			found = append(found, s)
		}
	}
	return found, nil
}

func isBelow(path, dir string) bool {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(dir, string(filepath.Separator)))
	return ok && rest != "" && rest[0] == filepath.Separator
}

// stagesOf returns the stages of a parsed target.
func (x *index) stagesOf(t target, glob bool) ([]*stage, error) {
	file := t.file
	if file == "" {
		file = dvcfile.ProjectName
	}
	stages, err := x.loadUser(file)
	if err != nil {
		return nil, err
	}
	if t.name == "" || !strings.HasSuffix(file, dvcfile.ProjectName) {
		return stages, nil
	}
	project := x.projects[x.fromRoot(x.repo.userPath(file))]
	var found []*stage
	for _, s := range stages {
		switch {
		case s.name == t.name,
			project.IsGroup(t.name) && s.def.Group == t.name,
			glob && fnmatch(t.name, s.name):
			found = append(found, s)
		}
	}
	if len(found) == 0 && !glob && !project.IsGroup(t.name) {
		return nil, &notFoundError{name: t.name, file: x.repo.rel(x.repo.userPath(file))}
	}
	return found, nil
}

// loadUser loads a file that the user named.
func (x *index) loadUser(file string) ([]*stage, error) {
	abs := x.repo.userPath(file)
	if _, made := x.overlay[abs]; !made {
		if fi, err := os.Stat(abs); err != nil || fi.IsDir() {
			return nil, &fileMissingError{file: abs}
		}
	}
	if !x.repo.inRepo(abs) {
		return nil, fmt.Errorf("'%s' is outside of the repository %s", file, x.repo.root)
	}
	return x.load(x.fromRoot(abs))
}

type notFoundError struct{ name, file string }

func (e *notFoundError) Error() string {
	return fmt.Sprintf("Stage '%s' not found inside '%s' file", e.name, e.file)
}

type fileMissingError struct{ file string }

func (e *fileMissingError) Error() string { return fmt.Sprintf("'%s' does not exist", e.file) }

// fnmatch is Python's: like path.Match, but "*" also matches slashes and "["
// needs no closing bracket.
func fnmatch(pattern, name string) bool {
	var re strings.Builder
	re.WriteString(`(?s)\A`)
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			re.WriteString(`.*`)
		case '?':
			re.WriteString(`.`)
		case '[':
			j := i + 1
			if j < len(pattern) && pattern[j] == '!' {
				j++
			}
			if j < len(pattern) && pattern[j] == ']' {
				j++
			}
			end := strings.IndexByte(pattern[min(j, len(pattern)):], ']')
			if end < 0 {
				re.WriteString(`\[`)
				continue
			}
			set := pattern[i+1 : j+end]
			set = strings.ReplaceAll(set, `\`, `\\`)
			if rest, ok := strings.CutPrefix(set, "!"); ok {
				set = "^" + rest
			} else if strings.HasPrefix(set, "^") {
				set = `\` + set
			}
			re.WriteString("[" + strings.ReplaceAll(set, "[", `\[`) + "]")
			i = j + end
		default:
			re.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	re.WriteString(`\z`)
	compiled, err := regexp.Compile(re.String())
	return err == nil && compiled.MatchString(name)
}
