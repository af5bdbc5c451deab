package origin

import (
	"context"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/object"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/spool"
	"github.com/reprodl/reprodl/internal/transfer"
)

// relayDir is where files lie on their way from one server to another.
func relayDir(p *project.Repo) string { return filepath.Join(p.TmpDir(), "reprodl", "relay") }

// relay sends files from one store to another. If it dies, the next relay of the same
// goes on with what has come.
func relay(ctx context.Context, p *project.Repo, from, to *transfer.Store, files []transfer.Plain) ([]object.Meta, error) {
	parent := relayDir(p)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return nil, err
	}
	first := ""
	if len(files) > 0 {
		first = files[0].Key
	}
	dir, err := spool.Open(parent, "", from.URL, first, to.URL)
	if err != nil {
		return nil, err
	}
	came := transfer.OpenCame(filepath.Join(dir.Path, "came"))
	metas, err := from.RelayPlain(ctx, dir.Path, to, files, came)
	came.Close(true)
	dir.Close(err != nil && transfer.GoesOn(ctx, err))
	return metas, err
}
