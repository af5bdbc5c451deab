package hub

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/git"
)

// checkout is what decides, besides a commit, which bytes its files have in a working
// tree. Workers do as the hub's repository does: what a dependency's hash is must not
// depend on who runs the stage.
type checkout struct {
	AutoCRLF, EOL string   // core.autocrlf and core.eol
	Filters       []string // that .gitattributes names, and that are set up at the hub
}

// checkoutOf is that of a repository.
func checkoutOf(ctx context.Context, root string) (c checkout, err error) {
	g, err := git.Open(root)
	if err != nil {
		return c, err
	}
	defer g.Close()
	if c.AutoCRLF = setting(ctx, g, "core.autocrlf"); c.AutoCRLF == "" {
		c.AutoCRLF = "false"
	}
	if c.EOL = setting(ctx, g, "core.eol"); c.EOL == "" || c.EOL == "native" {
		c.EOL = "lf"
		if runtime.GOOS == "windows" {
			c.EOL = "crlf"
		}
	}
	// Without a match, and without a commit, it fails.
	out, _ := g.Run(ctx, "grep", "-h", "-o", "-E", `filter=[^[:space:]]+`, "HEAD", "--", ":(top,glob)**/.gitattributes")
	for _, text := range strings.Fields(string(out)) {
		name := strings.TrimPrefix(text, "filter=")
		if filtered(ctx, g, name) && !slices.Contains(c.Filters, name) {
			c.Filters = append(c.Filters, name)
		}
	}
	return c, nil
}

// setting is one of git's, "" if it is not set.
func setting(ctx context.Context, g *git.Repo, key string) string {
	out, err := g.Run(ctx, "config", "--get", key)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// filtered reports whether a filter changes what is checked out.
func filtered(ctx context.Context, g *git.Repo, name string) bool {
	return setting(ctx, g, "filter."+name+".smudge") != "" || setting(ctx, g, "filter."+name+".process") != ""
}

// apply makes the clone of a worker check out the same bytes.
func (c *checkout) apply(ctx context.Context, root string) error {
	if c.EOL == "" {
		return nil // a hub that does not tell
	}
	g, err := git.Open(root)
	if err != nil {
		return err
	}
	defer g.Close()
	for _, kv := range [][2]string{{"core.autocrlf", c.AutoCRLF}, {"core.eol", c.EOL}} {
		if _, err := g.Run(ctx, "config", kv[0], kv[1]); err != nil {
			return err
		}
	}
	for _, name := range c.Filters {
		if !filtered(ctx, g, name) {
			return fmt.Errorf("files of the repository go through git's filter %q, which is not set up on this machine: they would be other ones here; "+
				"set up its smudge for the user of the worker (git config --global)", name)
		}
	}
	return nil
}
