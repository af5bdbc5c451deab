package git

import (
	"context"
	"os"
	"strings"
)

// Config is git's effective configuration: keys in lower case, values in the
// order read, so that the last one counts.
type Config map[string][]string

// Lookup returns the effective value of key, such as "core.autocrlf".
func (c Config) Lookup(key string) (string, bool) {
	v := c[strings.ToLower(key)]
	if len(v) == 0 {
		return "", false
	}
	return v[len(v)-1], true
}

// Bool reports whether key is set to one of git's words for true.
func (c Config) Bool(key string) bool {
	v, ok := c.Lookup(key)
	if !ok {
		return false
	}
	switch strings.ToLower(v) {
	// NUL stands for a key without a value, see Config.
	case "true", "yes", "on", "1", "\x00":
		return true
	}
	return false
}

// Config returns the effective configuration, asking git once per Repo.
func (r *Repo) Config(ctx context.Context) (Config, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.config != nil {
		return r.config, nil
	}
	out, err := r.Run(ctx, "config", "--list", "-z", "--includes")
	if err != nil {
		return nil, err
	}
	c := Config{}
	for rec := range strings.SplitSeq(string(out), "\x00") {
		key, value, ok := strings.Cut(rec, "\n")
		if !ok {
			value = "\x00" // a key without '=' means true
		}
		if key != "" {
			// Subsections keep their case in git; nothing here asks for one.
			key = strings.ToLower(key)
			c[key] = append(c[key], value)
		}
	}
	r.config = c
	return c, nil
}

// filtersFiles reports whether git would transform file contents on their way
// into the repository: line endings, LFS and other clean filters.
// It errs to the safe side: whether an attributes file says anything of the
// kind is not looked into. A true answer costs a process for each file that is
// stored.
func (r *Repo) filtersFiles(ctx context.Context, ix *Index) (bool, error) {
	c, err := r.Config(ctx)
	if err != nil {
		return false, err
	}
	if v, ok := c.Lookup("core.autocrlf"); ok && !strings.EqualFold(v, "false") {
		return true, nil
	}
	if _, ok := c.Lookup("core.attributesfile"); ok {
		return true, nil
	}
	for _, p := range []string{r.common + "/info/attributes", r.root + "/.gitattributes"} {
		if _, err := os.Stat(p); err == nil {
			return true, nil
		}
	}
	for _, p := range userAttributes() {
		if _, err := os.Stat(p); err == nil {
			return true, nil
		}
	}
	return ix != nil && ix.hasAttributes, nil
}

// userAttributes lists where git looks for attributes by default, outside of
// the repository.
func userAttributes() []string {
	paths := []string{"/etc/gitattributes"}
	if x := os.Getenv("XDG_CONFIG_HOME"); x != "" {
		return append(paths, x+"/git/attributes")
	}
	if h, err := os.UserHomeDir(); err == nil {
		paths = append(paths, h+"/.config/git/attributes")
	}
	return paths
}
