package main

import (
	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/params/ordered"
	"github.com/reprodl/reprodl/params/pyjson"
	"github.com/reprodl/reprodl/pipeline/data"
)

// dataCmd groups the one command that there is.
func (a *app) dataCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "data", Short: "Commands about tracked data"}
	cmd.AddCommand(a.dataStatusCmd())
	return requireSub(cmd)
}

// dataStatusCmd is dvc data status.
func (a *app) dataStatusCmd() *cobra.Command {
	var opts data.StatusOptions
	var asJSON, unchanged bool
	untracked := "no"
	cmd := &cobra.Command{
		Use:   "status [target]...",
		Short: "Show how the last commit, the recorded state and the workspace differ",
		RunE: func(cmd *cobra.Command, targets []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			opts.Untracked = untracked == "all"
			st, err := repo.DataStatus(cmd.Context(), &opts, targets...)
			if err != nil {
				return err
			}
			// The package tells everything it found; what was not asked for is not
			// shown.
			if !unchanged {
				st.Unchanged = nil
			}
			if !opts.Untracked {
				st.Untracked = nil
			}
			if !asJSON {
				a.showData(st)
				return nil
			}
			data, err := pyjson.Marshal(dataJSON(st), pyjson.Style{ASCII: true})
			if err != nil {
				return err
			}
			a.printf("%s\n", data)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	flags.BoolVar(&opts.Granular, "granular", false, "also the files in tracked directories")
	flags.BoolVar(&unchanged, "unchanged", false, "also what is unchanged")
	flags.Var(&choice{&untracked, []string{"no", "all"}}, "untracked-files", "also what git does not know: `all` or no")
	takesOptional(flags, "untracked-files", "all")
	flags.StringVarP(&opts.Remote, "remote", "r", "", "`name` of the remote")
	flags.BoolVar(&opts.NotInRemote, "not-in-remote", false, "also what the remote lacks")
	// DVC keeps a list of a remote's objects between calls; here there is none.
	flags.Bool("no-remote-refresh", false, "accepted for DVC: the remote is always asked")
	return cmd
}

// dataJSON has the parts in DVC's order. Parts and lists that are empty are absent.
func dataJSON(st *data.Status) *ordered.Map {
	m := ordered.New()
	set := func(m *ordered.Map, key string, list []string) {
		if len(list) > 0 {
			m.Set(key, list)
		}
	}
	set(m, "not_in_cache", st.NotInCache)
	set(m, "not_in_remote", st.NotInRemote)
	for _, part := range []struct {
		key  string
		diff data.Diff
	}{{"committed", st.Committed}, {"uncommitted", st.Uncommitted}} {
		if part.diff.IsZero() {
			continue
		}
		d := ordered.New()
		set(d, "modified", part.diff.Modified)
		set(d, "added", part.diff.Added)
		set(d, "deleted", part.diff.Deleted)
		var renamed []any
		for _, r := range part.diff.Renamed {
			renamed = append(renamed, ordered.New("old", r[0], "new", r[1]))
		}
		if renamed != nil {
			d.Set("renamed", renamed)
		}
		set(d, "unknown", part.diff.Unknown)
		m.Set(part.key, d)
	}
	set(m, "untracked", st.Untracked)
	set(m, "unchanged", st.Unchanged)
	return m
}

// showData prints the parts that are not empty, with DVC's hints.
func (a *app) showData(st *data.Status) {
	shown := false
	part := func(title string, hints []string, lines []string) {
		if len(lines) == 0 {
			return
		}
		if shown {
			a.printf("\n")
		}
		shown = true
		a.printf("%s:\n", title)
		for _, hint := range hints {
			a.printf("  (%s)\n", hint)
		}
		for _, line := range lines {
			a.printf("        %s\n", line)
		}
	}
	part("Not in cache", []string{`use "dvc fetch <file>..." to download files`}, st.NotInCache)
	part("Not in remote", []string{`use "dvc push <file>..." to upload files`}, st.NotInRemote)
	part("DVC committed changes", []string{"git commit the corresponding dvc files to update the repo"}, diffLines(&st.Committed))
	part("DVC uncommitted changes", []string{
		`use "dvc commit <file>..." to track changes`, `use "dvc checkout <file>..." to discard changes`,
	}, diffLines(&st.Uncommitted))
	part("Untracked files", []string{`use "git add <file> ..." or "dvc add <file>..." to commit to git or to dvc`}, st.Untracked)
	part("DVC unchanged files", nil, st.Unchanged)
	// "other" makes sense only after something was shown.
	other := ""
	if shown {
		other = "other "
	} else if st.GitEmpty {
		a.printf("No changes in an empty git repo.\n")
	} else {
		a.printf("No changes.\n")
	}
	if st.GitDirty {
		a.printf("(there are %schanges not tracked by dvc, use \"git status\" to see)\n", other)
	}
}

// diffLines are the lines of one comparison, by kind and not by path.
func diffLines(d *data.Diff) []string {
	var lines []string
	for _, part := range []struct {
		state string
		paths []string
	}{{"modified", d.Modified}, {"added", d.Added}, {"deleted", d.Deleted}} {
		for _, path := range part.paths {
			lines = append(lines, part.state+": "+path)
		}
	}
	for _, r := range d.Renamed {
		lines = append(lines, "renamed: "+r[0]+" -> "+r[1])
	}
	for _, path := range d.Unknown {
		lines = append(lines, "unknown: "+path)
	}
	return lines
}
