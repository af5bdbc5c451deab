package compare

import (
	"errors"
	"io"
	"io/fs"
)

// read decodes a file of the tree, or its recorded data.
func (c *collector) read(name string) (any, error) {
	data, err := readLimited(c.fsys, name)
	// Outputs are not in git, so in the tree of a commit they are missing.
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		data, err = c.readRecorded(name)
	}
	if err != nil {
		return nil, err
	}
	return c.parse(name, data)
}

// errTooLarge is shown as an error of the system; DVC knows no such limit.
var errTooLarge = errors.New("file is too large to show")

// readLimited reads a file of at most maxShown bytes.
func readLimited(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// The size spares reading what is too large; the limit below holds even
	// where the size is wrong or the file grows.
	if fi, err := f.Stat(); err == nil && fi.Size() > maxShown {
		return nil, errTooLarge
	}
	data, err := io.ReadAll(io.LimitReader(f, maxShown+1))
	if err == nil && len(data) > maxShown {
		err = errTooLarge
	}
	return data, err
}

// readRecorded reads what is recorded of name, from wherever its data is.
func (c *collector) readRecorded(name string) ([]byte, error) {
	if c.contents == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	data, err := c.contents.ReadFile(c.outs, name, maxShown+1)
	if err == nil && len(data) > maxShown {
		err = errTooLarge
	}
	return data, err
}
