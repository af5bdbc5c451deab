package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/reprodl/reprodl/pipeline"
)

// stageCmd groups stage add and stage list.
func (a *app) stageCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "stage", Short: "List and create stages"}
	cmd.AddCommand(a.stageAddCmd(), a.stageListCmd())
	return requireSub(cmd)
}

// stageListCmd is dvc stage list.
func (a *app) stageListCmd() *cobra.Command {
	var opts pipeline.ListOptions
	var names bool
	cmd := &cobra.Command{
		Use:   "list [targets...]",
		Short: "List stages",
		RunE: func(cmd *cobra.Command, args []string) error {
			repo, err := a.open()
			if err != nil {
				return err
			}
			stages, err := repo.Stages(cmd.Context(), &opts, args...)
			if err != nil {
				return err
			}
			var rows [][]string
			for _, s := range stages {
				if names {
					rows = append(rows, []string{s.Address})
				} else {
					rows = append(rows, []string{s.Address, s.Desc})
				}
			}
			a.table(plainTable(nil, rows))
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(&opts.All, "all", false, "list all stages of the repository")
	f.BoolVar(&opts.Strict, "fail", false, "fail on a file that cannot be read")
	f.BoolVarP(&opts.Recursive, "recursive", "R", false, "a target may be a directory")
	f.BoolVar(&names, "name-only", false, "list only names")
	f.BoolVar(&names, "names-only", false, "list only names")
	return cmd
}

// stageFlags are the options of stage add and of the older run.
type stageFlags struct {
	spec  pipeline.Stage
	how   pipeline.AddStageOptions
	paths [12][]string
	live  struct {
		path, noCache     string
		noSummary, noHTML bool
	}
	params []string
	run    bool
}

// outFlags are the options that declare outputs, in the order in which DVC
// looks at them.
var outFlags = [...]struct {
	name, short string
	out         pipeline.Out
}{
	{"outs-persist", "", pipeline.Out{Persist: true}},
	{"outs-persist-no-cache", "", pipeline.Out{Persist: true, NoCache: true}},
	{"metrics", "m", pipeline.Out{Kind: pipeline.Metric}},
	{"metrics-no-cache", "M", pipeline.Out{Kind: pipeline.Metric, NoCache: true}},
	{"plots", "", pipeline.Out{Kind: pipeline.Plot}},
	{"plots-no-cache", "", pipeline.Out{Kind: pipeline.Plot, NoCache: true}},
	{"outs-no-cache", "O", pipeline.Out{NoCache: true}},
	{"outs", "o", pipeline.Out{}},
}

func (s *stageFlags) add(f *pflag.FlagSet) {
	f.SetInterspersed(false) // the rest is the command
	f.StringVarP(&s.spec.Name, "name", "n", "", "name of the stage")
	f.BoolVarP(&s.how.Force, "force", "f", false, "replace a stage of that name")
	f.StringArrayVarP(&s.spec.Deps, "deps", "d", nil, "declare a dependency")
	f.StringArrayVarP(&s.params, "params", "p", nil, "declare parameters: [file:]key,key")
	for i, o := range outFlags {
		f.StringArrayVarP(&s.paths[i], o.name, o.short, nil, "declare an output")
	}
	f.StringVarP(&s.spec.Wdir, "wdir", "w", "", "directory to run the command in")
	f.BoolVar(&s.spec.AlwaysChanged, "always-changed", false, "always consider the stage changed")
	f.StringVar(&s.spec.Desc, "desc", "", "description")
	f.StringVar(&s.live.path, "live", "", "declare the folder of dvclive, as DVC 2.1 did")
	f.StringVar(&s.live.noCache, "live-no-cache", "", "the same, not put into the cache")
	f.BoolVar(&s.live.noSummary, "live-no-summary", false, "dvclive writes no summary")
	f.BoolVar(&s.live.noHTML, "live-no-html", false, "no page is made")
}

// finish takes the command and the lists into the description.
func (s *stageFlags) finish(command []string) {
	if len(command) > 0 {
		s.spec.Cmd = []string{joinCommand(command)}
	}
	for i, o := range outFlags {
		for _, p := range s.paths[i] {
			out := o.out
			out.Path = p
			s.spec.Outs = append(s.spec.Outs, out)
		}
	}
	for i, p := range []string{s.live.path, s.live.noCache} {
		if p != "" {
			s.spec.Outs = append(s.spec.Outs, pipeline.Out{Path: p, Kind: pipeline.Live, NoCache: i == 1,
				NoSummary: s.live.noSummary, NoHTML: s.live.noHTML})
		}
	}
	// Parameters of one file become one entry, where its first one came.
	index := map[string]int{}
	for _, p := range s.params {
		file, keys := "", p
		// The last colon ends the name of the file.
		if i := strings.LastIndexByte(p, ':'); i >= 0 {
			file, keys = p[:i], p[i+1:]
		}
		i, ok := index[file]
		if !ok {
			i = len(s.spec.Params)
			index[file] = i
			s.spec.Params = append(s.spec.Params, pipeline.Params{File: file})
		}
		for k := range strings.SplitSeq(keys, ",") {
			if k != "" {
				s.spec.Params[i].Keys = append(s.spec.Params[i].Keys, k)
			}
		}
	}
}

// joinCommand makes one command of several arguments, with quotes around those
// that the shell of the caller took them from.
func joinCommand(args []string) string {
	if len(args) == 1 {
		return args[0]
	}
	quoted := make([]string, len(args))
	for i, arg := range args {
		switch {
		case arg == "":
			quoted[i] = `""`
		case strings.Contains(arg, " ") && !strings.Contains(arg, `"`):
			quoted[i] = `"` + arg + `"`
		default:
			quoted[i] = arg
		}
	}
	return strings.Join(quoted, " ")
}

// stageAddCmd is dvc stage add.
func (a *app) stageAddCmd() *cobra.Command {
	var s stageFlags
	cmd := &cobra.Command{
		Use:   "add -n name [options] command",
		Short: "Create a stage",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("name") {
				return &exitError{code: exitUsage, err: errors.New("the following arguments are required: -n/--name")}
			}
			s.finish(args)
			return a.addStage(cmd, &s, s.run)
		},
	}
	s.add(cmd.Flags())
	cmd.Flags().BoolVar(&s.run, "run", false, "run the stage when it was created")
	return cmd
}

// addStage writes the stage and, if asked to, runs it alone.
func (a *app) addStage(cmd *cobra.Command, s *stageFlags, run bool) error {
	repo, err := a.open()
	if err != nil {
		return err
	}
	if err := repo.AddStage(cmd.Context(), s.spec, &s.how); err != nil || !run {
		return err
	}
	_, err = repo.Repro(cmd.Context(), &pipeline.ReproOptions{Single: true}, s.spec.Name)
	return err
}

// runStageCmd is "dvc run" of DVC 2: it creates a stage and runs it.
func (a *app) runStageCmd() *cobra.Command {
	var s stageFlags
	var noExec, noCommit, noRunCache, ignored bool
	cmd := &cobra.Command{
		Use:   "run -n name [options] command",
		Short: "Create a stage and run it, as DVC 2 did",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("name") {
				return &exitError{code: exitUsage, err: errors.New("the following arguments are required: -n/--name")}
			}
			s.finish(args)
			if err := a.addStage(cmd, &s, false); err != nil || noExec {
				return err
			}
			repo, err := a.open()
			if err != nil {
				return err
			}
			_, err = repo.Repro(cmd.Context(), &pipeline.ReproOptions{Single: true, NoCommit: noCommit, NoRunCache: noRunCache}, s.spec.Name)
			return err
		},
	}
	s.add(cmd.Flags())
	f := cmd.Flags()
	f.BoolVar(&noExec, "no-exec", false, "only create the stage")
	f.BoolVar(&noCommit, "no-commit", false, "do not put outputs into the cache")
	f.BoolVar(&noRunCache, "no-run-cache", false, "run even if the same was run before")
	f.BoolVar(&ignored, "external", false, "accepted and ignored")
	return cmd
}
