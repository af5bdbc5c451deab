package main

import (
	"cmp"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/params/ordered"
	"github.com/reprodl/reprodl/params/pyjson"
	"github.com/reprodl/reprodl/pipeline"
	"github.com/reprodl/reprodl/pipeline/data"
)

// statusCmd is dvc status; with --cloud, or a remote, it compares cache and remote.
func (a *app) statusCmd() *cobra.Command {
	var opts pipeline.StatusOptions
	var transfer data.TransferOptions
	var asJSON, cloud bool
	cmd := &cobra.Command{
		Use:   "status [target]...",
		Short: "Show what changed since the last run",
		RunE: func(cmd *cobra.Command, targets []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			if cloud || transfer.Remote != "" {
				transfer.WithDeps, transfer.Recursive = opts.WithDeps, opts.Recursive
				end := a.startTransfer(&transfer)
				list, err := repo.CloudStatus(cmd.Context(), &transfer, targets...)
				end()
				if err != nil && !unexpected(err, false) {
					err = soft(err)
				}
				if err != nil {
					return err
				}
				remote := cmp.Or(repo.RemoteName(transfer.Remote), "None")
				return a.showCloud(list, a.inSync(cmd.Context(), repo, fmt.Sprintf("Cache and remote '%s' are in sync.", remote)), asJSON)
			}
			list, err := repo.Status(cmd.Context(), &opts, targets...)
			if err != nil {
				return soft(err)
			}
			return a.showStatus(list, a.inSync(cmd.Context(), repo, "Data and pipelines are up to date."), asJSON)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	flags.BoolVarP(&opts.WithDeps, "with-deps", "d", false, "also what the targets depend on")
	flags.BoolVarP(&opts.Recursive, "recursive", "R", false, "all stages below the given directory")
	flags.BoolVar(&opts.NoUpdates, "no-updates", false, "don't ask for updates of imports")
	transferFlags(flags, &transfer)
	flags.BoolVarP(&cloud, "cloud", "c", false, "compare the cache with the remote")
	flags.BoolVar(&a.why, "why", false, "tell on stderr what changed from what to what (not in dvc; -v does it too)")
	return cmd
}

// inSync gives what to say where nothing has changed: a repository that tracks
// nothing gets a hint instead, and one that cannot be read an error: until then only
// what the targets need was looked at.
func (a *app) inSync(ctx context.Context, repo *pipeline.Repo, text string) func() (string, error) {
	return func() (string, error) {
		all, err := repo.Stages(ctx, &pipeline.ListOptions{All: true, Strict: true})
		if err == nil && len(all) == 0 {
			return "There are no data or pipelines tracked in this project yet.\nSee <https://dvc.org/doc/start> to get started!", nil
		}
		return text, err
	}
}

// showStatus prints the changes. With -q the exit code tells: 1 for any change.
func (a *app) showStatus(list []pipeline.StageStatus, inSync func() (string, error), asJSON bool) error {
	switch {
	case asJSON:
		all := ordered.New()
		for _, s := range list {
			all.Set(s.Address, statusItems(s))
		}
		data, err := pyjson.Marshal(all, pyjson.Style{ASCII: true})
		if err != nil {
			return err
		}
		a.printf("%s\n", data)
	case a.quiet > 0:
		if len(list) > 0 {
			return &exitError{code: exitSoft}
		}
	case len(list) == 0:
		text, err := inSync()
		if err != nil {
			return err
		}
		a.printf("%s\n", text)
	default:
		for _, s := range list {
			a.printf("%s:\n", s.Address)
			a.showItems(statusItems(s), "\t")
		}
	}
	// After the list and on stderr, so that stdout is dvc's.
	if a.verbose > 0 || a.why {
		for _, s := range list {
			for _, c := range s.Changes {
				fmt.Fprintf(a.Stderr, "WHY: %s: %s\n", s.Address, c)
			}
		}
	}
	return nil
}

// statusItems are the changes in the form of dvc's JSON.
func statusItems(s pipeline.StageStatus) []any {
	deps, outs := ordered.New(), ordered.New()
	var rest []any
	for _, c := range s.Changes {
		switch c.Kind {
		case pipeline.DepChange:
			deps.Set(c.Path, string(c.State))
		case pipeline.ParamChange:
			// The file as a whole, not one of its keys.
			if c.Key == "" {
				deps.Set(c.Path, string(c.State))
				continue
			}
			keys, ok := deps.Get(c.Path)
			if !ok {
				keys = ordered.New()
				deps.Set(c.Path, keys)
			}
			keys.(*ordered.Map).Set(c.Key, string(c.State))
		case pipeline.OutChange:
			outs.Set(c.Path, string(c.State))
		case pipeline.AlwaysChange:
			rest = append(rest, "always changed")
		case pipeline.SumChange:
			rest = append(rest, "changed checksum")
		case pipeline.CommandChange:
			rest = append(rest, "changed command")
		}
	}
	items := []any{}
	if deps.Len() > 0 {
		items = append(items, ordered.New("changed deps", deps))
	}
	if outs.Len() > 0 {
		items = append(items, ordered.New("changed outs", outs))
	}
	return append(items, rest...)
}

// showItems prints the items as dvc does: a state and its colon in 20 columns.
func (a *app) showItems(v any, indent string) {
	switch v := v.(type) {
	case string:
		a.printf("%s%s\n", indent, v)
	case []any:
		for _, item := range v {
			a.showItems(item, indent)
		}
	case *ordered.Map:
		for key, item := range v.All() {
			if state, ok := item.(string); ok {
				a.printf("%s%-20s%v\n", indent, state+":", key)
				continue
			}
			a.printf("%s%v:\n", indent, key)
			a.showItems(item, indent+"\t")
		}
	}
}
