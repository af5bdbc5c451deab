package pipeline

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/ignore"
	"github.com/reprodl/reprodl/internal/object"
)

// Cache is the cache of the repository, opened when first used.
func (r *Repo) Cache() *object.Cache {
	r.cacheOnce.Do(func() { r.cache = object.OpenCache(filepath.Join(r.root, ".dvc", "cache"), nil) })
	return r.cache
}

// Hasher is what tells the content of the workspace.
func (r *Repo) Hasher() *object.Hasher {
	r.hasherOnce.Do(func() {
		r.hasher = object.NewHasher(&object.HasherOptions{
			Memo: filepath.Join(r.root, ".dvc", "tmp", "reprodl", "hashes"), Root: r.root,
			Ignore: ignore.DVC(r.root).IgnoredPath,
		})
	})
	return r.hasher
}

func (r *Repo) saveMemo() {
	if err := r.Hasher().Close(); err != nil {
		r.log.Debug("the memo of hashes was not saved: " + err.Error())
	}
}

func (r *Repo) lock(ctx context.Context) (unlock func(), err error) { return func() {}, nil }

func (r *Repo) checkBusy([]selection) error { return nil }

func (r *Repo) fileOptions() (*dvcfile.Options, error) {
	return &dvcfile.Options{Show: func(p string) string { return r.rel(r.abs(p)) }, Root: r.root, Values: readVars}, nil
}

func (r *Repo) notCollected(path string, dir bool) bool {
	r.ignoreOnce.Do(func() { r.dvcIgnore, r.gitIgnore = ignore.DVC(r.root), ignore.Git(r.root, "") })
	return r.dvcIgnore.Ignored(path, dir) || r.gitIgnore.Ignored(path, dir)
}

func (r *Repo) copyCache() *object.Cache {
	return object.OpenCache(r.Cache().Dir(), &object.CacheOptions{Links: []object.LinkType{object.Copy}})
}

func (r *Repo) claim(s *stage) (release func(), err error) { return func() {}, nil }

func (r *Repo) unprotect(o *output) error { return nil }

func (r *Repo) pullRunCache(ctx context.Context) error { return nil }

func (p *repro) pullRun(ctx context.Context, s *stage, hit *runHit) {}

func (p *repro) pull(ctx context.Context, s *stage, res *Result) (bool, error) { return false, nil }

func (p *repro) hintGit(ctx context.Context) {}

type ignoreLines struct {
	repo  *Repo
	added [][2]string // file, line
	tree  *ignore.Tree
}

func (l *ignoreLines) add(o *output) error {
	if !exists(filepath.Join(l.repo.root, ".git")) {
		return nil
	}
	tree := ignore.Git(l.repo.root, "")
	if tree.IgnoredPath(o.abs, false) {
		return nil
	}
	file := filepath.Join(filepath.Dir(o.abs), ".gitignore")
	data, _ := os.ReadFile(file)
	if len(data) > 0 && data[len(data)-1] != '\n' {
		data = append(data, '\n')
	}
	line := "/" + ignore.Quote(filepath.Base(o.abs)) + "\n"
	l.added = append(l.added, [2]string{file, line})
	return os.WriteFile(file, append(data, line...), 0o666)
}

func (l *ignoreLines) undo() {
	for _, a := range l.added {
		data, _ := os.ReadFile(a[0])
		text := strings.TrimSuffix(string(data), a[1])
		if text == "" {
			os.Remove(a[0])
		} else {
			os.WriteFile(a[0], []byte(text), 0o666)
		}
	}
}

func (l *ignoreLines) files() []string {
	var list []string
	for _, a := range l.added {
		list = append(list, l.repo.rel(a[0]))
	}
	return list
}
