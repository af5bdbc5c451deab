package git

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Mode is the mode of a tree or index entry.
type Mode uint32

// The modes git writes.
const (
	ModeTree    Mode = 0o040000
	ModeFile    Mode = 0o100644
	ModeExec    Mode = 0o100755
	ModeSymlink Mode = 0o120000
	ModeModule  Mode = 0o160000 // a submodule: the id names a commit elsewhere
)

// Entry is one line of a tree object.
type Entry struct {
	Name string
	Mode Mode
	ID   ID
}

// IsDir reports whether e is a subtree.
func (e Entry) IsDir() bool { return e.Mode == ModeTree }

// ParseTree decodes a tree object whose ids have hexLen digits.
func ParseTree(data []byte, hexLen int) ([]Entry, error) {
	var entries []Entry
	for len(data) > 0 {
		sp := bytes.IndexByte(data, ' ')
		nul := bytes.IndexByte(data, 0)
		if sp < 0 || nul < sp || len(data) < nul+1+hexLen/2 {
			return nil, fmt.Errorf("corrupt tree object")
		}
		mode, err := strconv.ParseUint(string(data[:sp]), 8, 32)
		name := string(data[sp+1 : nul])
		if err != nil || name == "" || strings.Contains(name, "/") {
			return nil, fmt.Errorf("corrupt tree object: entry %q", data[:nul])
		}
		// An entry is "MODE NAME", a NUL and the id in bytes.
		id := data[nul+1 : nul+1+hexLen/2]
		entries = append(entries, Entry{name, Mode(mode), ID(hex.EncodeToString(id))})
		data = data[nul+1+hexLen/2:]
	}
	return entries, nil
}

// treeCache keeps decoded trees: the experiments of a baseline share most of
// theirs. It forgets everything when it has grown large.
// n counts the entries it holds, and one more for each tree; beyond 1<<18 it
// starts anew. The slices are shared and must not be changed.
type treeCache struct {
	mu sync.Mutex
	m  map[ID][]Entry
	n  int
}

func (c *treeCache) get(id ID) ([]Entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.m[id]
	return e, ok
}

func (c *treeCache) put(id ID, e []Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil || c.n > 1<<18 {
		c.m, c.n = map[ID][]Entry{}, 0
	}
	c.m[id] = e
	c.n += len(e) + 1
}

// Entries returns the entries of the tree object id, which the caller must not
// change.
func (r *Repo) Entries(ctx context.Context, id ID) ([]Entry, error) {
	if e, ok := r.trees.get(id); ok {
		return e, nil
	}
	kind, data, err := r.Object(ctx, id)
	if err != nil {
		return nil, err
	}
	if kind != TreeKind {
		return nil, fmt.Errorf("object %s is a %s, not a tree", id, kind)
	}
	e, err := ParseTree(data, r.hexLen)
	if err != nil {
		return nil, fmt.Errorf("object %s: %w", id, err)
	}
	r.trees.put(id, e)
	return e, nil
}

// Lookup finds the entry at a slash-separated path below the tree; "." is the
// tree itself. A missing one is [ErrNotFound].
func (r *Repo) Lookup(ctx context.Context, tree ID, name string) (Entry, error) {
	e := Entry{Name: ".", Mode: ModeTree, ID: tree}
	if name == "." || name == "" {
		return e, nil
	}
	for part := range strings.SplitSeq(name, "/") {
		if !e.IsDir() {
			return Entry{}, fmt.Errorf("%s: %w", name, ErrNotFound)
		}
		entries, err := r.Entries(ctx, e.ID)
		if err != nil {
			return Entry{}, err
		}
		i := slices.IndexFunc(entries, func(e Entry) bool { return e.Name == part })
		if i < 0 {
			return Entry{}, fmt.Errorf("%s: %w", name, ErrNotFound)
		}
		e = entries[i]
	}
	return e, nil
}

// Walk calls fn with every entry below the tree that is not itself a tree, by
// its whole path, in git's order.
func (r *Repo) Walk(ctx context.Context, tree ID, fn func(name string, e Entry) error) error {
	return r.walk(ctx, tree, "", 0, fn)
}

// walk is Walk below dir. The depth is bounded, for a hostile tree may be
// deeper than the stack.
func (r *Repo) walk(ctx context.Context, tree ID, dir string, depth int, fn func(string, Entry) error) error {
	if depth > 1000 {
		return fmt.Errorf("tree %s: nested more than 1000 levels deep", tree)
	}
	entries, err := r.Entries(ctx, tree)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name)
		// Names become paths on the disk of whoever asked.
		if e.Name == ".." || e.Name == "." {
			return fmt.Errorf("tree %s: forbidden name %q", tree, e.Name)
		}
		if e.IsDir() {
			err = r.walk(ctx, e.ID, name, depth+1, fn)
		} else {
			err = fn(name, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// appendTree encodes entries, which it sorts as git does: a directory's name
// counts as if it ended in a slash.
func appendTree(entries []Entry) ([]byte, error) {
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(sortKey(a), sortKey(b)) })
	var out []byte
	for _, e := range entries {
		out = strconv.AppendUint(out, uint64(e.Mode), 8)
		out = append(out, ' ')
		out = append(out, e.Name...)
		out = append(out, 0)
		raw, err := decodeHex(e.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, raw...)
	}
	return out, nil
}

// sortKey is the name by which git orders an entry: a tree comes after foo.c
// and before foo0, where foo/ would.
func sortKey(e Entry) string {
	if e.IsDir() {
		return e.Name + "/"
	}
	return e.Name
}

// Change replaces the entry at a path; a zero ID deletes it.
type Change struct {
	Mode Mode
	ID   ID
}

// EditTree writes the tree that results from applying changes, by path, to
// base (zero: the empty tree). Subtrees without changes are not read.
func (r *Repo) EditTree(ctx context.Context, base ID, changes map[string]Change) (ID, error) {
	if len(changes) == 0 && !base.IsZero() {
		return base, nil
	}
	id, _, err := r.editTree(ctx, base, changes)
	return id, err
}

// editTree is EditTree that also tells how many entries the new tree has: git
// stores no empty trees below the top. Changes are sorted by their first part:
// what ends there changes an entry, all else is handed down to the subtree in
// one go.
func (r *Repo) editTree(ctx context.Context, base ID, changes map[string]Change) (ID, int, error) {
	entries := map[string]Entry{}
	if !base.IsZero() {
		old, err := r.Entries(ctx, base)
		if err != nil {
			return "", 0, err
		}
		for _, e := range old {
			entries[e.Name] = e
		}
	}
	below := map[string]map[string]Change{}
	for name, c := range changes {
		first, rest, deep := strings.Cut(name, "/")
		switch {
		case first == "" || first == "." || first == ".." || strings.EqualFold(first, ".git"):
			return "", 0, fmt.Errorf("%q cannot be stored in git", name)
		case deep:
			if below[first] == nil {
				below[first] = map[string]Change{}
			}
			below[first][rest] = c
		case c.ID.IsZero():
			// To delete a file never deletes a directory that took its place.
			if !entries[first].IsDir() {
				delete(entries, first)
			}
		default:
			entries[first] = Entry{first, c.Mode, c.ID}
		}
	}
	for name, sub := range below {
		var old ID
		if e := entries[name]; e.IsDir() {
			old = e.ID
		} else if c := changes[name]; !c.ID.IsZero() {
			if onlyDeletes(sub) {
				continue // a file took the place of a directory
			}
			return "", 0, fmt.Errorf("%q is both a file and a directory", name)
		}
		id, n, err := r.editTree(ctx, old, sub)
		if err != nil {
			return "", 0, err
		}
		switch {
		// An empty subtree goes from its parent, too.
		case n > 0:
			entries[name] = Entry{name, ModeTree, id}
		case entries[name].IsDir():
			delete(entries, name)
		}
	}
	list := make([]Entry, 0, len(entries))
	for _, e := range entries {
		list = append(list, e)
	}
	data, err := appendTree(list)
	if err != nil {
		return "", 0, err
	}
	id, err := r.WriteObject(TreeKind, data)
	if err == nil {
		r.trees.put(id, list)
	}
	return id, len(list), err
}

// onlyDeletes reports changes of which none sets an entry.
func onlyDeletes(changes map[string]Change) bool {
	for _, c := range changes {
		if !c.ID.IsZero() {
			return false
		}
	}
	return true
}
