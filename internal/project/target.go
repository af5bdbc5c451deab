package project

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

// Target is the text of a target taken apart: a file and the name of a stage or
// group in it, either of which may be empty.
type Target struct {
	File string // relative to the working directory
	Name string
}

// targetForm is how DVC takes a target apart, before any "@".
var targetForm = regexp.MustCompile(`^(.*?)(?::([^\\/:]*))?$`)

// IsStageFile reports the names of dvc.yaml and .dvc files.
func IsStageFile(name string) bool { return dvcfile.IsStageFile(filepath.ToSlash(name)) }

// IsNotFound reports a stage that a file doesn't have.
func IsNotFound(err error) bool {
	var e *NotFoundError
	return errors.As(err, &e)
}

// ParseTarget follows DVC: "file:name", "name", "file.dvc", "dir/dvc.yaml".
// With glob, name is a pattern.
func ParseTarget(text string, glob bool) (Target, error) {
	if glob {
		i := strings.LastIndexByte(text, ':')
		if i <= 0 {
			return Target{dvcfile.ProjectName, text[i+1:]}, nil
		}
		return Target{text[:i], text[i+1:]}, nil
	}
	// The key of a group's member may hold any characters, also ":" and "/".
	group, key, hasKey := strings.Cut(text, "@")
	m := targetForm.FindStringSubmatch(group)
	if m == nil {
		return Target{File: text}, nil
	}
	file, name := m[1], m[2]
	if name != "" && hasKey && key != "" {
		name += "@" + key
	}
	if file == "" {
		return Target{dvcfile.ProjectName, name}, nil
	}
	if path.Base(filepath.ToSlash(file)) == dvcfile.LockName {
		return Target{}, fmt.Errorf("Did you mean: `%s`?", strings.Replace(text, ".lock", ".yaml", 1))
	}
	if name == "" {
		// Without ":" a text is a file if its name says so, or else a stage of ./dvc.yaml.
		if IsStageFile(text) {
			return Target{File: text}, nil
		}
		return Target{Name: text}, nil
	}
	return Target{file, name}, nil
}

// Resolve returns the stages that a target of repro means.
func (x *Index) Resolve(text string, opts Scope) ([]*Stage, error) {
	if opts.Recursive {
		if abs := x.Repo.UserPath(text); IsDir(abs) {
			return x.inside(abs)
		}
	}
	t, err := ParseTarget(text, opts.Glob)
	if err != nil {
		return nil, err
	}
	return x.StagesOf(t, opts.Glob)
}

// UserPath is a path of the user, relative to the working directory, as an
// absolute one.
func (r *Repo) UserPath(p string) string {
	p = filepath.FromSlash(p)
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(r.Dir, p)
}

// IsDir reports a directory, or a link to one.
func IsDir(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.IsDir()
}

// inside returns the stages whose files lie below a directory, producers first.
func (x *Index) inside(dir string) ([]*Stage, error) {
	graph, err := x.Build()
	if err != nil {
		return nil, err
	}
	var found []*Stage
	for _, i := range graph.Plan(nil) {
		if s := x.Stages[i]; IsBelow(x.Repo.Abs(s.File), dir) {
			found = append(found, s)
		}
	}
	return found, nil
}

// IsBelow reports a path within a directory. Both are absolute and clean.
func IsBelow(path, dir string) bool {
	rest, ok := strings.CutPrefix(path, strings.TrimSuffix(dir, string(filepath.Separator)))
	return ok && rest != "" && rest[0] == filepath.Separator
}

// StagesOf returns the stages of a parsed target.
func (x *Index) StagesOf(t Target, glob bool) ([]*Stage, error) {
	file := t.File
	if file == "" {
		file = dvcfile.ProjectName
	}
	stages, err := x.loadUser(file, t.File != "")
	if err != nil {
		return nil, err
	}
	// A .dvc file has one stage, which a name cannot choose.
	if t.Name == "" || !strings.HasSuffix(file, dvcfile.ProjectName) {
		return stages, nil
	}
	project := x.Projects[x.FromRoot(x.Repo.UserPath(file))]
	var found []*Stage
	for _, s := range stages {
		switch {
		case s.Name == t.Name,
			project.IsGroup(t.Name) && s.Def.Group == t.Name,
			glob && fnmatch(t.Name, s.Name):
			found = append(found, s)
		}
	}
	if len(found) == 0 && !glob && !project.IsGroup(t.Name) {
		return nil, &NotFoundError{Name: t.Name, File: x.Repo.Rel(x.Repo.UserPath(file))}
	}
	return found, nil
}

// loadUser loads a file that the user named.
// named: by its own name, and not as the file that a stage is looked for in.
func (x *Index) loadUser(file string, named bool) ([]*Stage, error) {
	abs := x.Repo.UserPath(file)
	if _, made := x.overlay[abs]; !made {
		if fi, err := os.Stat(abs); err != nil || fi.IsDir() {
			// DVC names the file as it was given, or as a path from "/".
			if named {
				file = abs
			}
			return nil, &fileMissingError{file: file}
		}
	}
	if !x.Repo.InRepo(abs) {
		return nil, fmt.Errorf("'%s' is outside of the repository %s", file, x.Repo.Root)
	}
	return x.Load(x.FromRoot(abs))
}

// NotFoundError is a stage that a file doesn't have.
type NotFoundError struct{ Name, File string }

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("Stage '%s' not found inside '%s' file", e.Name, e.File)
}

// fileMissingError is a dvc.yaml or .dvc file that isn't there.
type fileMissingError struct{ file string }

// Is makes it an ErrNotFound.
func (e *NotFoundError) Is(target error) bool { return target == ErrNotFound }

func (e *fileMissingError) Error() string { return fmt.Sprintf("'%s' does not exist", e.file) }

// Is makes it an ErrNotFound.
func (e *fileMissingError) Is(target error) bool { return target == ErrNotFound }

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
			// In fnmatch a backslash is a plain character.
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
