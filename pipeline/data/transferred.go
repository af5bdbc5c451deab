package data

import (
	"fmt"

	"github.com/reprodl/reprodl/internal/transfer"
)

// TransferError says that objects could not be copied.
type TransferError struct {
	Upload bool
	Count  int // objects
	Errs   []error
}

func (e *TransferError) Error() string {
	text := fmt.Sprintf("%d files failed to download", e.Count)
	if e.Upload {
		text = fmt.Sprintf("%d files failed to upload", e.Count)
	}
	for _, err := range e.Errs {
		text += "\n" + err.Error()
	}
	return text
}

// Unwrap returns the errors of the objects.
func (e *TransferError) Unwrap() []error { return e.Errs }

// Transferred is what a Push, Fetch or Pull has copied, or would in a dry run.
// Where it ended early it is what had been done until then.
type Transferred struct {
	// Files counts as DVC does: a directory's list of files is one more.
	Files   int
	Bytes   int64 // of them; those of imports and of the run cache are not known
	Missing int   // files that neither side has
}

// add adds the outcome of one remote.
func (t *Transferred) add(r *transfer.Result) {
	t.Files += r.Count
	t.Bytes += r.Bytes
	t.Missing += len(r.Missing)
}

// report says, of a dry run only, what would have been done.
func (t *Transferred) report(r *Repo, opts *TransferOptions, done string) {
	if opts.DryRun {
		r.p.Log.Info(fmt.Sprintf("%d files (%s) would be %s.", t.Files, humanBytes(t.Bytes), done))
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

// add counts what failed.
func (e *TransferError) add(r *Repo, t *transfer.Result) {
	// Missing content is no error for DVC either: the count tells, and the next
	// checkout fails where it is needed.
	if len(t.Missing) > 0 {
		text := "Some of the cache files do not exist neither locally nor on remote. Missing cache files:"
		for _, h := range t.Missing {
			text += "\nmd5: " + h.String()
		}
		r.p.Log.Warn(text)
	}
	e.Errs = append(e.Errs, t.Failed...)
	e.Count += len(t.Failed)
}

// orNil is nil if nothing failed: a nil *TransferError in an error is not nil.
func (e *TransferError) orNil() error {
	if e.Count == 0 {
		return nil
	}
	return e
}
