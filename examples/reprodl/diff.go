package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/params/ordered"
	"github.com/reprodl/reprodl/pipeline/data"
)

// diffCmd is dvc diff.
func (a *app) diffCmd() *cobra.Command {
	var opts data.DiffOptions
	var targets []string
	var asJSON, hash, markdown, hideMissing bool
	cmd := &cobra.Command{
		Use:   "diff [a_rev] [b_rev]",
		Short: "Show how tracked data differs between two commits, or a commit and the workspace",
		Args:  cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			if len(args) > 0 {
				opts.From = args[0]
			}
			if len(args) > 1 {
				opts.To = args[1]
			}
			c, err := repo.Diff(cmd.Context(), &opts, targets...)
			var missing *fs.PathError
			switch {
			case errors.As(err, &missing) && errors.Is(err, fs.ErrNotExist):
				return fmt.Errorf("'%s' is in neither of the two states", missing.Path)
			case err != nil:
				return soft(fmt.Errorf("failed to get diff - %w", err))
			}
			states := diffStates(c, hideMissing || opts.To != "")
			switch {
			case asJSON:
				return a.diffJSON(c, states, hash)
			case markdown:
				a.table(renderTable(true, diffHeaders(hash), diffRows(states, hash)))
			case !c.IsZero():
				a.showChanges(states, hash)
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&targets, "targets", nil, "tracked files or directories to compare")
	takesList(flags, "targets")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	flags.BoolVar(&hash, "show-hash", false, "show hashes")
	flags.BoolVar(&markdown, "md", false, "print a Markdown table")
	flags.BoolVar(&hideMissing, "hide-missing", false, "leave out what is not in the cache")
	return cmd
}

// diffState is one of the lists of a diff.
type diffState struct {
	name string
	list []data.Change
}

// diffStates are the lists in the order of dvc's text; JSON has another.
func diffStates(c *data.Changes, hideMissing bool) []diffState {
	states := []diffState{{"added", c.Added}, {"deleted", c.Deleted}, {"renamed", c.Renamed}, {"modified", c.Modified}}
	if !hideMissing {
		states = append(states, diffState{"not in cache", c.NotInCache})
	}
	return states
}

// diffHash is the hash of a change, or two, in eight digits each.
func diffHash(state string, c data.Change) string {
	short := func(h string) string { return h[:min(8, len(h))] }
	switch state {
	case "modified":
		return short(c.OldMD5) + ".." + short(c.MD5)
	case "added":
		return short(c.MD5)
	}
	return short(c.OldMD5)
}

func diffPath(state string, c data.Change) string {
	if state == "renamed" {
		return c.OldPath + " -> " + c.Path
	}
	return c.Path
}

func diffHeaders(hash bool) []string {
	if hash {
		return []string{"Status", "Hash", "Path"}
	}
	return []string{"Status", "Path"}
}

func diffRows(states []diffState, hash bool) (rows [][]string) {
	for _, s := range states {
		for _, c := range s.list {
			row := []string{s.name}
			if hash {
				row = append(row, diffHash(s.name, c))
			}
			rows = append(rows, append(row, diffPath(s.name, c)))
		}
	}
	return rows
}

// showChanges prints the lists and how many files are in each; directories don't
// count.
func (a *app) showChanges(states []diffState, hash bool) {
	var summary []string
	for _, s := range states {
		if len(s.list) == 0 {
			continue
		}
		a.printf("%s:\n", strings.ToUpper(s.name[:1])+s.name[1:])
		files := 0
		for _, c := range s.list {
			path := diffPath(s.name, c)
			if !strings.HasSuffix(path, "/") {
				files++
			}
			if h := diffHash(s.name, c); hash && h != "" {
				path = h + "  " + path
			}
			a.printf("    %s\n", path)
		}
		a.printf("\n")
		if files > 0 {
			summary = append(summary, fmt.Sprintf("%d %s", files, s.name))
		}
	}
	if len(summary) > 0 {
		a.printf("files summary: %s\n", strings.Join(summary, ", "))
	}
}

// diffJSON prints all lists, or an empty mapping if nothing differs.
func (a *app) diffJSON(c *data.Changes, states []diffState, hash bool) error {
	out := ordered.New()
	for _, name := range []string{"added", "deleted", "modified", "renamed", "not in cache"} {
		for _, s := range states {
			if s.name == name && !c.IsZero() {
				list := make([]any, len(s.list))
				for i, c := range s.list {
					list[i] = diffEntry(name, c, hash)
				}
				out.Set(name, list)
			}
		}
	}
	text, err := jsonLine(out)
	a.printf("%s", text)
	return err
}

func diffEntry(state string, c data.Change, hash bool) *ordered.Map {
	pair := func(old, now any) *ordered.Map { return ordered.New("old", old, "new", now) }
	// A link that leads nowhere has no hash, and what was never made neither.
	sum := func(md5 string) any {
		if md5 == "" {
			return nil
		}
		return md5
	}
	m := ordered.New()
	m.Set("path", c.Path)
	if state == "renamed" {
		m.Set("path", pair(c.OldPath, c.Path))
	}
	switch {
	case !hash:
	case state == "modified":
		m.Set("hash", pair(sum(c.OldMD5), sum(c.MD5)))
	case state == "added":
		m.Set("hash", sum(c.MD5))
	default:
		m.Set("hash", sum(c.OldMD5))
	}
	return m
}
