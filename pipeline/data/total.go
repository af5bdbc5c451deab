package data

import (
	"fmt"

	"github.com/reprodl/reprodl/internal/transfer"
)

// total is what has been copied, or would have been.
type total struct {
	count int
	bytes int64
}

// add adds the outcome of one remote.
func (t *total) add(r *transfer.Result) {
	t.count += r.Count
	t.bytes += r.Bytes
}

// report says, of a dry run only, what would have been done.
func (t *total) report(r *Repo, opts *TransferOptions, done string) {
	if opts.DryRun {
		r.p.Log.Info(fmt.Sprintf("%d files (%s) would be %s.", t.count, humanBytes(t.bytes), done))
	}
}

// humanBytes is a number of bytes in the unit that fits.
func humanBytes(n int64) string {
	f := float64(n)
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if f < 1000 {
			if unit == "B" {
				return fmt.Sprintf("%d B", n)
			}
			return fmt.Sprintf("%.1f %s", f, unit)
		}
		f /= 1000
	}
	return fmt.Sprintf("%.1f TB", f)
}
