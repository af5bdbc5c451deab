package object

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Report says what a checkout did.
type Report struct {
	Change                   Change // to the path as a whole
	Added, Modified, Deleted int    // files
}

// CheckoutOptions: nil means none.
type CheckoutOptions struct {
	Force  bool // overwrite and delete files whose content is not in the cache
	Relink bool // recreate files whose link type is not the wanted one
	Exec   bool // the file is recorded as executable: set the owner's execute bit
	// Part checks out this file or directory of the directory alone, a path with
	// slashes; empty = all of it. What the directory does not have there is deleted.
	Part string
}

// Change says what happened to a path.
type Change byte

// The changes, as DVC prints them. Zero means none.
const (
	Added    Change = 'A'
	Modified Change = 'M'
	Deleted  Change = 'D'
)

// MissingError lists objects that the cache lacks, or had in a damaged state.
type MissingError struct {
	Hashes  []Hash
	Corrupt []Hash // the damaged ones among them
}

func (e *MissingError) Error() string {
	var b strings.Builder
	b.WriteString("missing objects:")
	for _, h := range e.Hashes {
		b.WriteString("\nmd5: " + h.String())
		if slices.Contains(e.Corrupt, h) {
			b.WriteString(" (was corrupt)")
		}
	}
	return b.String()
}

// Is reports whether target is ErrMissing, or ErrCorrupt and there was such an object.
func (e *MissingError) Is(target error) bool {
	return target == ErrMissing || target == ErrCorrupt && len(e.Corrupt) > 0
}

// Checkout makes path hold h; the zero Hash means that nothing shall be there.
// Only what differs is written. Nothing is changed unless every object that is
// needed is in the cache (*MissingError), and unless Force is set or everything
// that gets lost is there too (*UnsavedError).
func (c *Cache) Checkout(ctx context.Context, hs *Hasher, path string, h Hash, opts *CheckoutOptions) (Report, error) {
	if opts == nil {
		opts = new(CheckoutOptions)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return Report{}, err
	}
	o, err := c.objects(h.IsLegacy())
	if err != nil {
		return Report{}, err
	}
	defer o.close()
	co := &checkout{c: c, o: o, hs: hs, path: path, want: h, opts: opts}
	if err := co.narrow(opts.Part); err != nil {
		return Report{}, err
	}
	if err := co.inspect(ctx); err != nil {
		return Report{}, err
	}
	switch {
	case co.part != nil:
		return co.tree(ctx)
	case co.want.IsZero():
		return co.clear(ctx)
	case co.want.IsDir():
		return co.tree(ctx)
	default:
		return co.file(ctx)
	}
}

// narrow makes it the checkout of a part of the directory.
func (co *checkout) narrow(part string) error {
	switch {
	case part == "":
		return nil
	case !co.want.IsDir():
		return &fs.PathError{Op: "checkout", Path: co.join(part), Err: errors.New("what is recorded is a file")}
	}
	entries, err := co.c.Tree(co.want)
	if err != nil {
		if errors.Is(err, ErrMissing) || errors.Is(err, ErrCorrupt) {
			err = co.missing(err)
		}
		return err
	}
	co.path = co.join(part)
	for _, e := range entries {
		if e.Path == part {
			co.want = e.Hash
			return nil
		}
		if below, ok := strings.CutPrefix(e.Path, part+"/"); ok {
			co.part = append(co.part, Entry{below, e.Hash})
		}
	}
	// Neither a file nor a directory of that name: what is there is to be removed.
	if co.part == nil {
		co.want = Hash{}
	}
	return nil
}

// entries are the files of the directory that is checked out.
func (co *checkout) entries() ([]Entry, error) {
	if co.part != nil {
		return co.part, nil
	}
	return co.c.Tree(co.want)
}

// checkout is one call of Checkout.
type checkout struct {
	c    *Cache
	o    *objects // nil if the cache is empty
	hs   *Hasher
	path string
	want Hash
	part []Entry // files of the part of a directory that is wanted; nil = not a part
	opts *CheckoutOptions

	lstat stat  // of what is there now
	found bool  // whether anything is
	now   Meta  // its hash, if it is a file
	have  *tree // its files, if it is a directory
}

// inspect looks at what is there now.
// Of a link both it and what it leads to are looked at.
func (co *checkout) inspect(ctx context.Context) (err error) {
	co.lstat, err = statPath(co.path, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	// From here on something is in the way, be it a broken link.
	co.found = true
	st, err := statPath(co.path, true)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a broken link holds nothing that could be lost
	}
	if err != nil {
		return err
	}
	if st.isDir() {
		co.have, err = co.hs.survey(ctx, co.path, co.want.IsLegacy())
		return err
	}
	sum, err := co.hs.file(ctx, co.path, &st, co.want.IsLegacy())
	co.now = fileMeta(sum, &st, co.want.IsLegacy())
	return err
}

// clear removes what is there.
func (co *checkout) clear(ctx context.Context) (Report, error) {
	if !co.found {
		return Report{}, nil
	}
	n := len(co.allFiles())
	if err := co.removeAll(ctx); err != nil {
		return Report{}, err
	}
	return Report{Change: Deleted, Deleted: n}, nil
}

// removeAll makes room, having checked that nothing is lost.
func (co *checkout) removeAll(ctx context.Context) error {
	if err := co.protect(ctx, co.allFiles()); err != nil {
		return err
	}
	if co.have == nil || co.lstat.isSymlink() {
		return os.Remove(co.path)
	}
	return os.RemoveAll(co.path)
}

// join is a path of a manifest as one of this system.
func (co *checkout) join(rel string) string { return filepath.Join(co.path, filepath.FromSlash(rel)) }

// hash gives a sum the kind that is wanted: what is there is compared and looked for
// as the same kind of hash.
func (co *checkout) hash(sum [16]byte) Hash {
	h := FileHash(sum)
	if co.want.IsLegacy() {
		h = h.Legacy()
	}
	return h
}

// file checks out a file.
func (co *checkout) file(ctx context.Context) (Report, error) {
	// The cache is not asked: what is right needs no object.
	if co.found && co.now.Hash == co.want {
		changed, err := co.touchUp(ctx)
		if !changed || err != nil {
			return Report{}, err
		}
		return Report{Change: Modified, Modified: 1}, nil
	}
	if ok, err := co.o.has(ctx, co.want, -1); err != nil {
		return Report{}, err
	} else if !ok {
		return Report{}, &MissingError{Hashes: []Hash{co.want}}
	}
	done := Report{Change: Added, Added: 1}
	if co.found {
		done = Report{Change: Modified, Modified: 1}
		if err := co.protect(ctx, co.allFiles()); err != nil {
			return Report{}, err
		}
	}
	return done, co.placeFile(ctx)
}

// placeFile puts the object where the file is to be. A file is replaced by the
// rename; only a directory must go first.
func (co *checkout) placeFile(ctx context.Context) error {
	parent, name := filepath.Split(co.path)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return err
	}
	p, err := co.c.placer(co.path, co.o)
	if err != nil {
		return err
	}
	defer p.close()
	d, err := openDir(filepath.Clean(parent))
	if err != nil {
		return err
	}
	defer d.close()
	// Unlike a rename this cannot be taken back, so that the object is read before.
	if co.have != nil && !co.lstat.isSymlink() { // a directory is in the way
		if err := co.rehearse(ctx); err != nil {
			return err
		}
		if err := os.RemoveAll(co.path); err != nil {
			return err
		}
	}
	if err := p.place(ctx, co.want, d, name); err != nil {
		return co.missing(err)
	}
	return co.finish(p, d, name)
}

// rehearse verifies the object before something else is removed for it.
func (co *checkout) rehearse(ctx context.Context) error {
	return co.missing(co.o.rehash(ctx, co.want))
}

// missing turns the error about a damaged or vanished object into a list.
func (co *checkout) missing(err error) error {
	switch {
	case errors.Is(err, ErrCorrupt):
		return &MissingError{Hashes: []Hash{co.want}, Corrupt: []Hash{co.want}}
	case errors.Is(err, ErrMissing):
		return &MissingError{Hashes: []Hash{co.want}}
	}
	return err
}

// finish sets the execute bit and remembers the file's hash.
// The sum goes to the memo as fresh: the time stamps are of this very moment.
func (co *checkout) finish(p *placer, d *dir, name string) error {
	if err := p.fixMode(d, name, co.opts.Exec, false); err != nil {
		return err
	}
	st, err := d.stat(name, true)
	if err == nil {
		co.hs.memo.putFresh(co.hs.memoKey(d.path, co.want.IsLegacy()), memoFile{name, st.key, co.want.sum})
	}
	return err
}

// touchUp gives a file that holds the right content the execute bit or, if that is
// as recorded, the wanted link type. It reports whether the bit was not as recorded:
// DVC counts that as a change and sets the bit then. It never takes it.
func (co *checkout) touchUp(ctx context.Context) (changed bool, err error) {
	st, err := statPath(co.path, true)
	if err != nil {
		return false, err
	}
	if wrongExec(&st, co.opts.Exec) {
		return true, setExec(co.path, &st)
	}
	if co.opts.Relink {
		return false, co.relinkFile(ctx, &st)
	}
	return false, nil
}

// wrongExec reports whether a file's execute bit is not what is recorded.
func wrongExec(st *stat, want bool) bool {
	return want && st.perm()&0o100 == 0 || !want && st.isExec()
}

func setExec(path string, st *stat) error {
	if st.perm()&0o100 != 0 {
		return nil
	}
	return os.Chmod(path, st.perm()|0o100)
}

// relinkFile recreates a file whose link type is not the wanted one.
// The object must be there and whole, although the file has its content: a link is
// to the object.
func (co *checkout) relinkFile(ctx context.Context, st *stat) error {
	if ok, err := co.o.has(ctx, co.want, -1); !ok || err != nil {
		return errors.Join(err, &MissingError{Hashes: []Hash{co.want}})
	}
	p, err := co.c.placer(co.path, co.o)
	if err != nil {
		return err
	}
	defer p.close()
	d, err := openDir(filepath.Dir(co.path))
	if err != nil {
		return err
	}
	defer d.close()
	m := co.now
	m.Exec = co.opts.Exec
	return p.refresh(ctx, co.hs, d, filepath.Base(co.path), m, st)
}
