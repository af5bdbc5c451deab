package transfer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/repo"
)

// Remote opens a configured remote.
func Remote(r *project.Repo, name string) (object.Remote, repo.Remote, error) {
	cfg, err := r.Config()
	if err != nil {
		return nil, repo.Remote{}, err
	}
	def, err := cfg.Remote(name)
	if err != nil { // no fault of the configuration, but of the call: its class is hidden
		return nil, def, errors.New(err.Error())
	}
	if url, ok := strings.CutPrefix(def.URL, "file://"); ok {
		def.URL = url
	} else if !def.IsLocal() {
		return nil, def, fmt.Errorf("remote '%s': %s is not supported: only directories are", def.Name, def.URL)
	}
	return object.DirRemote(def.URL), def, nil
}
