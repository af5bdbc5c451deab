package pipeline

import (
	"context"
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
	"github.com/reprodl/reprodl/internal/repo"
)

// services are the parts of a repository that are made when first needed.
type services struct {
	configOnce, cacheOnce, hasherOnce, ignoreOnce, tableOnce sync.Once

	cfg       *repo.Config
	cfgErr    error
	cache     *object.Cache
	hasher    *object.Hasher
	dvcIgnore *ignore.Tree
	gitRoot   string // "" without git
	gitIgnore *ignore.Tree
	table     *repo.RWLock
}

// config is the validated configuration.
func (r *Repo) config() (*repo.Config, error) {
	r.configOnce.Do(func() {
		getenv := func(name string) string { return getenv(r.opts.Env, name) }
		if r.cfg, r.cfgErr = repo.LoadConfig(filepath.Join(r.root, ".dvc"), getenv); r.cfgErr == nil {
			r.cfgErr = r.cfg.Validate()
		}
	})
	return r.cfg, r.cfgErr
}

// setting is a value of the configuration, or "". An invalid configuration has
// none: every operation begins with what reports it.
func (r *Repo) setting(section, key string) string {
	cfg, err := r.config()
	if err != nil {
		return ""
	}
	value, _ := cfg.Get(section, key)
	return value
}

// tmpDir is where the locks are, and what may be lost.
func (r *Repo) tmpDir() string { return filepath.Join(r.root, ".dvc", "tmp") }

// newDir is where files are made that are then renamed to where they belong.
// What a killed process leaves there, the next one deletes.
func (r *Repo) newDir() string { return filepath.Join(r.tmpDir(), "reprodl", "new") }

// viaTemp says how a file of the workspace is replaced.
func (r *Repo) viaTemp(sync bool) *atomicfile.Options {
	return &atomicfile.Options{Temp: r.newDir(), Sync: sync}
}

// Cache is the cache of the repository, opened when first used.
func (r *Repo) Cache() *object.Cache {
	r.cacheOnce.Do(func() {
		r.cache = object.OpenCache(r.cacheDir(), r.cacheOptions(r.linkTypes()))
	})
	return r.cache
}

func (r *Repo) cacheDir() string {
	if dir := r.setting("cache", "dir"); dir != "" {
		return dir
	}
	return filepath.Join(r.root, ".dvc", "cache")
}

func (r *Repo) cacheOptions(links []object.LinkType) *object.CacheOptions {
	return &object.CacheOptions{
		Links:  links,
		Shared: strings.EqualFold(r.setting("cache", "shared"), "group"),
		Temp:   r.newDir(),
		Jobs:   r.hashJobs(),
	}
}

func (r *Repo) linkTypes() []object.LinkType {
	var list []object.LinkType
	for t := range strings.SplitSeq(r.setting("cache", "type"), ",") {
		if t = strings.TrimSpace(t); t != "" {
			list = append(list, object.LinkType(t))
		}
	}
	return list
}

// hashJobs is core.checksum_jobs, or one per core.
func (r *Repo) hashJobs() int {
	if n, err := strconv.Atoi(r.setting("core", "checksum_jobs")); err == nil && n > 0 {
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
			Memo: filepath.Join(r.tmpDir(), "reprodl", "hashes"), Root: r.root,
			Ignore: r.dataIgnore().IgnoredPath, Jobs: r.hashJobs(),
		})
	})
	return r.hasher
}

func (r *Repo) saveMemo() {
	if err := r.Hasher().Close(); err != nil {
		r.log.Debug("the memo of hashes was not saved: " + err.Error())
	}
}

func (r *Repo) openIgnores() {
	r.ignoreOnce.Do(func() {
		r.dvcIgnore = ignore.DVC(r.root)
		if !strings.EqualFold(r.setting("core", "no_scm"), "true") {
			r.gitRoot = repo.FindGit(r.root)
		}
		if r.gitRoot != "" {
			r.gitIgnore = ignore.Git(r.gitRoot, r.excludesFile())
		}
	})
}

// excludesFile is git's file of patterns for all repositories of the user.
func (r *Repo) excludesFile() string {
	dir := getenv(r.opts.Env, "XDG_CONFIG_HOME")
	if dir == "" {
		dir = filepath.Join(getenv(r.opts.Env, "HOME"), ".config")
	}
	return filepath.Join(dir, "git", "ignore")
}

// dataIgnore tells what .dvcignore files leave out.
func (r *Repo) dataIgnore() *ignore.Tree {
	r.openIgnores()
	return r.dvcIgnore
}

// notCollected reports files and directories that are not searched for stages.
func (r *Repo) notCollected(path string, dir bool) bool {
	r.openIgnores()
	return r.dvcIgnore.Ignored(path, dir) || r.gitIgnore != nil && r.gitIgnore.IgnoredPath(r.abs(path), dir)
}

// lock acquires the lock of the repository, which DVC respects as well.
func (r *Repo) lock(ctx context.Context) (unlock func(), err error) {
	if _, err := r.config(); err != nil {
		return nil, err
	}
	release, err := repo.LockFile(ctx, filepath.Join(r.tmpDir(), "lock"))
	if err != nil {
		return nil, err
	}
	r.Cache().Sweep()
	return func() {
		if err := release(); err != nil {
			r.log.Warn("the lock could not be released: " + err.Error())
		}
	}, nil
}

// users is the table of paths that processes are using.
func (r *Repo) users() *repo.RWLock {
	r.tableOnce.Do(func() {
		program := r.opts.Program
		if program == "" {
			program = strings.Join(os.Args, " ")
		}
		r.table = repo.NewRWLock(r.tmpDir(), program)
	})
	return r.table
}

// checkBusy requires that no other process is writing what the stages declare.
func (r *Repo) checkBusy(chosen []selection) error {
	var paths []string
	for _, c := range chosen {
		for _, d := range c.stage.deps {
			paths = append(paths, d.abs)
		}
		for _, o := range c.stage.outs {
			paths = append(paths, o.abs)
		}
	}
	return r.users().Check(context.Background(), paths)
}

// claim enters what a stage reads and writes into the table.
func (r *Repo) claim(s *stage) (release func(), err error) {
	var reads, writes []string
	for _, d := range s.deps {
		reads = append(reads, d.abs)
	}
	for _, p := range s.params {
		reads = append(reads, p.abs)
	}
	for _, o := range s.outs {
		writes = append(writes, o.abs)
	}
	free, err := r.users().Acquire(context.Background(), reads, writes)
	if err != nil {
		return nil, err
	}
	return func() {
		if err := free(); err != nil {
			r.log.Warn(err.Error())
		}
	}, nil
}

func (r *Repo) fileOptions() (*dvcfile.Options, error) {
	if _, err := r.config(); err != nil {
		return nil, err
	}
	return &dvcfile.Options{
		Show: func(p string) string { return r.rel(r.abs(p)) }, Root: r.root, Values: readVars,
		BoolOptional: strings.EqualFold(r.setting("parsing", "bool"), "boolean_optional"),
		ListAppend:   strings.EqualFold(r.setting("parsing", "list"), "append"),
		Ignored:      func(p string) error { return r.checkIgnored(r.abs(p)) },
	}, nil
}

// getenv is the value of a variable, or "".
func getenv(env []string, name string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if k, v, ok := strings.Cut(env[i], "="); ok && k == name {
			return v
		}
	}
	return ""
}
