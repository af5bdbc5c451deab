package pipeline

import (
	"bytes"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/classicpage"
	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/project"
)

// livePages renders the pages of the stage's live outputs, beside them, as DVC
// 2.1 did when the command had ended. The command itself can't do the last one:
// a program that only logs never says that it is done.
func livePages(s *project.Stage) error {
	for _, o := range s.Outs {
		if o.Kind != dvcfile.Live || !o.LiveHTML || !project.Exists(o.Abs) {
			continue
		}
		var page bytes.Buffer
		dir, name := filepath.Split(o.Abs)
		if err := classicpage.Render(&page, os.DirFS(dir), name); err != nil {
			return err
		}
		if err := atomicfile.WriteFile(o.Abs+".html", page.Bytes(), nil); err != nil {
			return err
		}
	}
	return nil
}
