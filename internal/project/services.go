package project

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/ignore"
	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/orphan"
	"github.com/reprodl/reprodl/internal/repo"
	"github.com/reprodl/reprodl/pipeline/config"
)

// services are the parts of a repository that are made when first needed.
type services struct {
	configOnce, cacheOnce, hasherOnce, ignoreOnce, tableOnce sync.Once

	cfg       *config.Config
	cfgErr    error
	cache     *object.Cache
	hasher    *object.Hasher
	dvcIgnore *ignore.Tree
	GitRoot   string // "" without git
	gitIgnore *ignore.Tree
	table     *repo.RWLock
}

// Config is the validated configuration.
func (r *Repo) Config() (*config.Config, error) {
	r.configOnce.Do(func() {
		if r.cfg, r.cfgErr = r.loadConfig(); r.cfgErr == nil {
			r.cfgErr = r.cfg.Override(r.values...)
		}
		if r.cfgErr == nil {
			r.cfgErr = r.cfg.Validate()
		}
	})
	return r.cfg, r.cfgErr
}

// Setting is a value of the configuration, or "". An invalid configuration has
// none: every operation begins with what reports it.
func (r *Repo) Setting(section, key string) string {
	cfg, err := r.Config()
	if err != nil {
		return ""
	}
	value, _ := cfg.Get(section, key)
	return value
}

// TmpDir is where the locks are, and what may be lost.
func (r *Repo) TmpDir() string {
	if r.source != nil {
		return r.source.Temp
	}
	return filepath.Join(r.Root, ".dvc", "tmp")
}

// newDir is where files are made that are then renamed to where they belong.
// What a killed process leaves there, the next one deletes.
func (r *Repo) newDir() string { return filepath.Join(r.TmpDir(), "reprodl", "new") }

// ViaTemp says how a file of the workspace is replaced.
func (r *Repo) ViaTemp(sync bool) *atomicfile.Options {
	return &atomicfile.Options{Temp: r.newDir(), Sync: sync}
}

// Cache is the cache of the repository, opened when first used.
func (r *Repo) Cache() *object.Cache {
	r.cacheOnce.Do(func() {
		r.cache = object.OpenCache(r.cacheDir(), r.cacheOptions(r.linkTypes()))
	})
	return r.cache
}

// cacheDir is cache.dir, which the configuration has made absolute, or .dvc/cache.
func (r *Repo) cacheDir() string {
	if r.source != nil && r.source.Cache != "" {
		return r.source.Cache
	}
	if dir := r.Setting("cache", "dir"); dir != "" {
		return dir
	}
	return filepath.Join(r.Root, ".dvc", "cache")
}

func (r *Repo) cacheOptions(links []object.LinkType) *object.CacheOptions {
	return &object.CacheOptions{
		Links:  links,
		Shared: strings.EqualFold(r.Setting("cache", "shared"), "group"),
		Temp:   r.newDir(),
		Jobs:   r.hashJobs(),
		Listed: r.listedEntries,
	}
}

// linkTypes is the list of cache.type; nil leaves the choice to the cache.
func (r *Repo) linkTypes() []object.LinkType {
	var list []object.LinkType
	for t := range strings.SplitSeq(r.Setting("cache", "type"), ",") {
		if t = strings.TrimSpace(t); t != "" {
			list = append(list, object.LinkType(t))
		}
	}
	return list
}

// hashJobs is core.checksum_jobs, or one per core.
func (r *Repo) hashJobs() int {
	if n, err := strconv.Atoi(r.Setting("core", "checksum_jobs")); err == nil && n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}

// copyCache is the cache for files that are never links.
func (r *Repo) copyCache() *object.Cache {
	return object.OpenCache(r.Cache().Dir(), r.cacheOptions([]object.LinkType{object.Copy}))
}

// Hasher is what tells the content of the workspace.
func (r *Repo) Hasher() *object.Hasher {
	r.hasherOnce.Do(func() {
		r.hasher = object.NewHasher(&object.HasherOptions{
			Memo: filepath.Join(r.TmpDir(), "reprodl", "hashes"), Root: r.Root,
			Ignore: r.DataIgnore().IgnoredPath, Jobs: r.hashJobs(),
		})
	})
	return r.hasher
}

// SaveMemo keeps the hashes that were computed for the next process. Without
// them it is only slower, so that a failure is no error.
func (r *Repo) SaveMemo() {
	if err := r.Hasher().Close(); err != nil {
		r.Log.Debug("the memo of hashes was not saved: " + err.Error())
	}
}

// openIgnores looks for git as well: its patterns hold from its own root, which may
// be above this one.
func (r *Repo) openIgnores() {
	r.ignoreOnce.Do(func() {
		r.dvcIgnore = r.newIgnore()
		// git's patterns say nothing about what is committed.
		if (r.source == nil || r.source.Work) && !strings.EqualFold(r.Setting("core", "no_scm"), "true") {
			r.GitRoot = repo.FindGit(r.Root)
		}
		if r.GitRoot != "" {
			r.gitIgnore = ignore.Git(r.GitRoot, r.excludesFile())
		}
	})
}

// excludesFile is git's file of patterns for all repositories of the user.
func (r *Repo) excludesFile() string {
	dir := Getenv(r.Env, "XDG_CONFIG_HOME")
	if dir == "" {
		dir = filepath.Join(Getenv(r.Env, "HOME"), ".config")
	}
	return filepath.Join(dir, "git", "ignore")
}

// DataIgnore tells what .dvcignore files leave out.
func (r *Repo) DataIgnore() *ignore.Tree {
	r.openIgnores()
	return r.dvcIgnore
}

// NotCollected reports files and directories that are not searched for stages.
func (r *Repo) NotCollected(path string, dir bool) bool {
	r.openIgnores()
	return r.dvcIgnore.Ignored(path, dir) || r.gitIgnore != nil && r.gitIgnore.IgnoredPath(r.Abs(path), dir)
}

// Lock acquires the lock of the repository, which DVC respects as well. What
// killed runs left running is ended first, so that it writes to nothing that is
// looked at under the lock.
func (r *Repo) Lock(ctx context.Context) (unlock func(), err error) {
	if _, err := r.Config(); err != nil {
		return nil, err
	}
	release, err := repo.LockFile(ctx, filepath.Join(r.TmpDir(), "lock"))
	if err != nil {
		return nil, err
	}
	if err := orphan.End(ctx, r.TmpDir(), r.Log); err != nil {
		return nil, errors.Join(err, release())
	}
	// Under the lock nobody else writes temporary files: what lies there is left
	// of processes that were killed.
	r.Cache().Sweep()
	return func() {
		if err := release(); err != nil {
			r.Log.Warn("the lock could not be released: " + err.Error())
		}
	}, nil
}

// users is the table of paths that processes are using.
func (r *Repo) users() *repo.RWLock {
	r.tableOnce.Do(func() {
		program := r.program
		if program == "" {
			program = strings.Join(os.Args, " ")
		}
		r.table = repo.NewRWLock(r.TmpDir(), program)
	})
	return r.table
}

// CheckBusy requires that no other process is writing what the stages declare.
func (r *Repo) CheckBusy(ctx context.Context, chosen []Selection) error {
	var paths []string
	for _, c := range chosen {
		for _, d := range c.Stage.Deps {
			if d.Origin == nil {
				paths = append(paths, d.Abs)
			}
		}
		for _, o := range c.Stage.Outs {
			paths = append(paths, o.Abs)
		}
	}
	return r.users().Check(ctx, paths)
}

// Claim enters what a stage reads and writes into the table.
func (r *Repo) Claim(ctx context.Context, s *Stage) (release func(), err error) {
	var reads, writes []string
	for _, d := range s.Deps {
		if d.Origin == nil {
			reads = append(reads, d.Abs)
		}
	}
	for _, p := range s.Params {
		reads = append(reads, p.Abs)
	}
	for _, o := range s.Outs {
		writes = append(writes, o.Abs)
	}
	free, err := r.users().Acquire(ctx, reads, writes)
	if err != nil {
		return nil, err
	}
	return func() {
		if err := free(); err != nil {
			r.Log.Warn(err.Error())
		}
	}, nil
}

// FileOptions are how dvc.yaml and .dvc files are read.
func (r *Repo) FileOptions() (*dvcfile.Options, error) {
	if _, err := r.Config(); err != nil {
		return nil, err
	}
	return &dvcfile.Options{
		Show: func(p string) string { return r.Rel(r.Abs(p)) }, Root: r.Root, Values: readVars,
		BoolOptional: strings.EqualFold(r.Setting("parsing", "bool"), "boolean_optional"),
		ListAppend:   strings.EqualFold(r.Setting("parsing", "list"), "append"),
		Ignored:      func(p string) error { return r.CheckIgnored(r.Abs(p)) },
	}, nil
}

// Getenv is the value of a variable, or "".
func Getenv(env []string, name string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(env[i], "="); ok && k == name {
			return v
		}
	}
	return ""
}
