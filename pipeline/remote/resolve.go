package remote

import (
	"fmt"
	"maps"
	"strings"
)

// Resolve follows a URL of the form remote://NAME/path: the result is the
// remote NAME's, with the path joined to its URL and the options of c over its
// own. lookup finds a remote by its name. Any other URL is returned as it is.
func (c Config) Resolve(lookup func(name string) (Config, error)) (Config, error) {
	seen := map[string]bool{c.Name: true}
	for {
		rest, ok := strings.CutPrefix(c.URL, "remote://")
		if !ok {
			return c, nil
		}
		name, sub, _ := strings.Cut(rest, "/")
		if seen[name] {
			return c, fmt.Errorf("remote '%s': its URL leads back to remote '%s'", c.Name, name)
		}
		seen[name] = true
		base, err := lookup(name)
		if err != nil {
			return c, err
		}
		options := maps.Clone(base.Options)
		if options == nil {
			options = map[string]string{}
		}
		maps.Copy(options, c.Options)
		c.Options, c.URL = options, base.URL
		if sub != "" {
			c.URL = strings.TrimRight(base.URL, "/") + "/" + sub
		}
		if base.Dir != "" {
			c.Dir = base.Dir
		}
	}
}
