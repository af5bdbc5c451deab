package pipeline

import (
	"bytes"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/classicpage"
	"github.com/reprodl/reprodl/internal/dvcfile"
)

// livePages renders the pages of the stage's live outputs, beside them, as DVC
// 2.1 did when the command had ended. The command itself can't do the last one:
// a program that only logs never says that it is done.
func (s *stage) livePages() error {
	for _, o := range s.outs {
		if o.Kind != dvcfile.Live || !o.LiveHTML || !exists(o.abs) {
			continue
		}
		var page bytes.Buffer
		dir, name := filepath.Split(o.abs)
		if err := classicpage.Render(&page, os.DirFS(dir), name); err != nil {
			return err
		}
		if err := atomicfile.WriteFile(o.abs+".html", page.Bytes(), nil); err != nil {
			return err
		}
	}
	return nil
}
