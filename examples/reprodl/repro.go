package main

import (
	"io"
	"sync"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/pipeline"
)

// reproFlags are the options that repro and exp run share.
type reproFlags struct {
	opts         pipeline.ReproOptions
	keep, ignore bool
	interactive  bool
}

func (f *reproFlags) add(cmd *cobra.Command) {
	o, flags := &f.opts, cmd.Flags()
	flags.BoolVarP(&o.Force, "force", "f", false, "reproduce even if dependencies were not changed")
	flags.BoolVarP(&f.interactive, "interactive", "i", false, "ask for confirmation before each stage")
	flags.BoolVarP(&o.Single, "single-item", "s", false, "only the named stages, without what they depend on")
	flags.BoolVarP(&o.Pipeline, "pipeline", "p", false, "the whole pipeline that the targets belong to")
	flags.BoolVarP(&o.AllPipelines, "all-pipelines", "P", false, "all pipelines of the repository")
	flags.BoolVarP(&o.Recursive, "recursive", "R", false, "all stages below the given directory")
	flags.BoolVar(&o.Downstream, "downstream", false, "start from the targets")
	flags.BoolVar(&o.ForceDownstream, "force-downstream", false, "run the consumers of a stage that ran")
	flags.BoolVar(&o.Pull, "pull", false, "try to pull missing data")
	flags.BoolVar(&o.AllowMissing, "allow-missing", false, "skip stages that only miss data")
	flags.BoolVar(&o.Dry, "dry", false, "only print the commands")
	flags.BoolVarP(&f.keep, "keep-going", "k", false, "go on with stages that don't depend on a failed one")
	flags.BoolVar(&f.ignore, "ignore-errors", false, "ignore errors of stages")
}

// options are the flags as the package wants them.
func (f *reproFlags) options(a *app) *pipeline.ReproOptions {
	opts := f.opts
	switch {
	case f.ignore:
		opts.OnError = pipeline.Ignore
	case f.keep:
		opts.OnError = pipeline.KeepGoing
	}
	if f.interactive {
		opts.Confirm = a.confirmRepro
	}
	return &opts
}

// reproCmd is dvc repro. Its last line tells whether any stage has new outputs.
func (a *app) reproCmd() *cobra.Command {
	var f reproFlags
	var far elsewhere
	cmd := &cobra.Command{
		Use:   "repro [target]...",
		Short: "Run the stages whose inputs changed",
		RunE: func(cmd *cobra.Command, targets []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			if far.on != "" && !cmd.Flags().Changed("jobs") {
				f.opts.Jobs = manyStages
			}
			// Stages write at once: the streams get a lock, and the repository is
			// opened again to have them.
			if f.opts.Jobs > 1 {
				a.Stdout, a.Stderr = &lockedWriter{w: a.Stdout}, &lockedWriter{w: a.Stderr}
				a.out.w, a.msg.w = a.Stdout, a.Stderr
				if repo, err = a.open(); err != nil {
					return err
				}
			}
			opts := f.options(a)
			if far.on != "" && !opts.Dry {
				done, err := a.stagesElsewhere(cmd.Context(), &far, opts)
				if err != nil {
					return err
				}
				defer done()
			}
			results, err := repo.Repro(cmd.Context(), opts, targets...)
			if err != nil {
				return err
			}
			for _, r := range results {
				switch r.Action {
				case pipeline.Ran, pipeline.Restored, pipeline.Verified:
					a.printf("Use `dvc push` to send your updates to remote storage.\n")
					return nil
				}
			}
			a.printf("Data and pipelines are up to date.\n")
			return nil
		},
	}
	f.add(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&f.opts.Glob, "glob", false, "targets are shell patterns of stage names")
	flags.BoolVar(&f.opts.NoCommit, "no-commit", false, "don't put outputs into the cache")
	flags.BoolVar(&f.opts.NoRunCache, "no-run-cache", false, "run even what is known from an earlier run")
	flags.BoolVar(&a.why, "why", false, "tell on stderr why each stage runs (not in dvc; -v does it too)")
	flags.IntVarP(&f.opts.Jobs, "jobs", "j", 1, "run up to `n` stages at a time (not in dvc)")
	flags.StringVar(&far.on, "on", "", "run stages `where`: hub, slurm, or ssh:HOST,HOST with a hub (not in dvc)")
	far.stageFlags(flags)
	return cmd
}

// lockedWriter lets parallel stages write whole lines.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(data)
}
