package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/params/ordered"
	"github.com/reprodl/reprodl/pipeline/repofs"
)

// listFlags are the options of list and list-url.
type listFlags struct {
	recursive, tree, size, hash bool
	level                       int
}

// listCmd is dvc list. On a terminal names have the colours of LS_COLORS.
func (a *app) listCmd() *cobra.Command {
	var e externalFlags
	var l listFlags
	var trackedOnly, asJSON bool
	cmd := &cobra.Command{
		Use:     "list url [path]",
		Aliases: []string{"ls"},
		Short:   "List the files and directories of a repository that DVC and git track",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if l.tree && asJSON {
				return errors.New("Cannot use --tree and --json options together.")
			}
			if l.recursive && !l.tree && l.level < 0 {
				return errors.New("the level must be at least 1")
			}
			where := ""
			if len(args) == 2 {
				where = args[1]
			}
			f, err := a.openExternal(cmd, args[0], &e)
			if err == nil {
				defer f.Close()
				err = a.list(f, where, &l, trackedOnly, asJSON, cmd.Flags().Changed("level"))
			}
			var ignored interface {
				error
				IgnoredPath() string
			}
			switch {
			case errors.As(err, &ignored):
				return soft(fmt.Errorf("failed to list '%s' - %w", args[0], ignored))
			case unparsed(err) != nil:
				return soft(fmt.Errorf("failed to list '%s' - %w", args[0], unparsed(err)))
			case isRefusal(err):
				return soft(fmt.Errorf("failed to list '%s' - %w", args[0], asked(err)))
			case errors.Is(err, fs.ErrNotExist) && !errors.As(err, new(*repofs.DataError)):
				return soft(fmt.Errorf("[Errno 2] No such file or directory: '%s'", shownPath(f, where)))
			}
			return err
		},
	}
	flags := cmd.Flags()
	e.add(flags, true)
	flags.BoolVarP(&l.recursive, "recursive", "R", false, "list the files of all directories")
	flags.BoolVarP(&l.tree, "tree", "T", false, "show directories as a tree")
	flags.IntVarP(&l.level, "level", "L", 0, "go so many directories deep")
	flags.BoolVar(&trackedOnly, "dvc-only", false, "only what DVC tracks")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	flags.BoolVar(&l.size, "size", false, "show sizes")
	flags.BoolVar(&l.hash, "show-hash", false, "show the MD5 of tracked data")
	return cmd
}

func (a *app) list(f *repofs.FS, where string, l *listFlags, trackedOnly, asJSON, limited bool) error {
	name, err := f.Clean(where)
	if err != nil {
		return err
	}
	top, err := f.Entry(name)
	if err != nil {
		return err
	}
	if l.tree {
		node, err := treeOf(f, top, l, limited, trackedOnly, 0)
		if err != nil {
			return err
		}
		if node.name = where; where == "" {
			node.name = "."
		}
		a.showTree(node, l)
		return nil
	}
	// DVC ignores the level unless it goes down at all.
	var entries []repofs.Entry
	if !top.Dir || l.recursive && limited && l.level == 0 {
		top.Path = path.Base(name)
		entries, name = []repofs.Entry{top}, "."
	} else if entries, err = f.List(name, &repofs.ListOptions{Recursive: l.recursive, Depth: l.level, TrackedOnly: trackedOnly}); err != nil {
		return err
	}
	for i := range entries {
		if name != "." {
			entries[i].Path = strings.TrimPrefix(entries[i].Path, name+"/")
		}
	}
	if asJSON {
		return a.listJSON(entries)
	}
	if len(entries) > 0 {
		a.showEntries(entries, l)
	}
	return nil
}

// listJSON prints what dvc does: nothing but null where nothing is known, and
// whether a file is executable only if it is there.
func (a *app) listJSON(entries []repofs.Entry) error {
	list := make([]any, len(entries))
	for i, e := range entries {
		m := ordered.New()
		m.Set("isout", e.Tracked)
		m.Set("isdir", e.Dir)
		m.Set("isexec", e.Exec && e.Git)
		m.Set("size", nil)
		if e.Size >= 0 {
			m.Set("size", e.Size)
		}
		m.Set("md5", nil)
		if e.MD5 != "" {
			m.Set("md5", e.MD5)
		}
		m.Set("path", e.Path)
		list[i] = m
	}
	text, err := jsonLine(list)
	a.printf("%s", text)
	return err
}

// cells are the columns of an entry before its name.
func (l *listFlags) cells(e repofs.Entry) []string {
	var cells []string
	if l.size {
		size := ""
		if e.Size > 0 || e.Size == 0 && !e.Dir {
			size = naturalSize(e.Size)
		}
		cells = append(cells, size)
	}
	if l.hash {
		cells = append(cells, cmp.Or(e.MD5, "-"))
	}
	return cells
}

func (a *app) showEntries(entries []repofs.Entry, l *listFlags) {
	colors := a.colors()
	rows := make([][]string, len(entries))
	for i, e := range entries {
		name := e.Path
		if l.size || l.hash { // as tabulate does, but not in a plain list
			name = strings.TrimSpace(name)
		}
		rows[i] = append(l.cells(e), colors.paint(e, name))
	}
	// With -q DVC hides plain names, but no table.
	if a.quiet == 0 || l.size || l.hash {
		a.painted(alignedRows(rows, l.size))
	}
}

// alignedRows are columns two blanks apart; the first may be set to the right.
func alignedRows(rows [][]string, right bool) string {
	var width []int
	for _, r := range rows {
		for i, c := range r {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, r := range rows {
		var line strings.Builder
		for i, c := range r {
			fill := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			switch {
			case i == 0 && right:
				line.WriteString(fill + c)
			case i == len(r)-1:
				line.WriteString(c)
			default:
				line.WriteString(c + fill)
			}
			if i < len(r)-1 {
				line.WriteString("  ")
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// listTree is a directory with what is in it.
type listTree struct {
	name     string
	entry    repofs.Entry
	children []*listTree
}

func treeOf(f *repofs.FS, e repofs.Entry, l *listFlags, limited, trackedOnly bool, depth int) (*listTree, error) {
	t := &listTree{name: path.Base(e.Path), entry: e}
	if !e.Dir || limited && depth >= l.level {
		return t, nil
	}
	entries, err := f.List(e.Path, &repofs.ListOptions{TrackedOnly: trackedOnly})
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		child, err := treeOf(f, e, l, limited, trackedOnly, depth+1)
		if err != nil {
			return nil, err
		}
		t.children = append(t.children, child)
	}
	return t, nil
}

func (a *app) showTree(t *listTree, l *listFlags) {
	colors := a.colors()
	var rows [][]string
	var add func(t *listTree, prefix, part string, depth int)
	add = func(t *listTree, prefix, part string, depth int) {
		rows = append(rows, append(l.cells(t.entry), prefix+part+colors.paint(t.entry, t.name)))
		for i, child := range t.children {
			below, corner := prefix, "├── "
			if i == len(t.children)-1 {
				corner = "└── "
			}
			switch part {
			case "├── ":
				below += "│   "
			case "└── ":
				below += "    "
			}
			add(child, below, corner, depth+1)
		}
	}
	add(t, "", "", 0)
	a.painted(alignedRows(rows, l.size))
}

func sortTree(t *listTree) {
	slices.SortFunc(t.children, func(a, b *listTree) int { return strings.Compare(a.name, b.name) })
	for _, child := range t.children {
		sortTree(child)
	}
}

// naturalSize is a number of bytes as dvc writes it: 12, 4.00k, 1.5M.
func naturalSize(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10)
	}
	value := float64(n)
	for _, unit := range []string{"", "k", "M", "G", "T", "P", "E", "Z"} {
		switch {
		case value < 9.995:
			return fmt.Sprintf("%1.2f%s", value, unit)
		case value < 99.95:
			return fmt.Sprintf("%2.1f%s", value, unit)
		case value < 999.5:
			return fmt.Sprintf("%3.0f%s", value, unit)
		}
		value /= 1024
	}
	return fmt.Sprintf("%3.1fY", value)
}
