package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/pipeline"
)

// shells are those that cobra writes a script for.
var shells = []string{"bash", "zsh", "fish", "powershell"}

// programName is what may stand in the functions' names of a completion script.
var programName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// completionCmd is dvc completion; fish, powershell and --program are not in dvc.
func (a *app) completionCmd() *cobra.Command {
	var shell, program string
	cmd := &cobra.Command{
		Use:       "completion [shell]",
		Short:     "Print the script that completes command lines in a shell",
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				shell = args[0]
			}
			if !slices.Contains(shells, shell) {
				return &exitError{code: exitUsage, err: fmt.Errorf("argument -s/--shell: invalid choice: '%s' (choose from %s)", shell, strings.Join(shells, ", "))}
			}
			if !programName.MatchString(program) {
				return &exitError{code: exitUsage, err: fmt.Errorf("argument --program: '%s' is no name of a program: letters, digits, - and _", program)}
			}
			root := cmd.Root()
			root.Use = program
			return writeCompletion(a.out, root, shell)
		},
	}
	cmd.Flags().StringVarP(&shell, "shell", "s", "bash", "`shell` to write for: "+strings.Join(shells, ", "))
	cmd.Flags().StringVar(&program, "program", "reprodl", "`name` under which the program is called (not in dvc)")
	return cmd
}

// writeCompletion writes the script, with descriptions of what it offers.
func writeCompletion(w io.Writer, root *cobra.Command, shell string) error {
	const descriptions = true
	switch shell {
	case "zsh":
		return root.GenZshCompletion(w)
	case "fish":
		return root.GenFishCompletion(w, descriptions)
	case "powershell":
		return root.GenPowerShellCompletionWithDesc(w)
	}
	return root.GenBashCompletionV2(w, descriptions)
}

// isCompletion tells the command line that a script makes: it ends in what the user
// has typed of a word, which must reach the completion as it is.
func isCompletion(args []string) bool {
	return len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd)
}

// lister returns the names of one kind that the repository has.
type lister func(context.Context) ([]string, error)

// completeNames attaches to the commands below root what their arguments and options
// name: one table, of which the commands know nothing. Only a completion pays for it.
func (a *app) completeNames(root *cobra.Command) {
	const alsoFiles, onlyNames = cobra.ShellCompDirectiveDefault, cobra.ShellCompDirectiveNoFileComp
	for _, set := range []struct {
		names     lister
		commands  string // of which the arguments are such names, comma-separated
		directive cobra.ShellCompDirective
	}{
		{a.stageNames, "repro,status,dag,freeze,unfreeze,commit,checkout,push,pull,fetch,remove,exp run,exp save", alsoFiles},
		{a.experimentNames, "exp apply,exp branch,exp remove,exp rename,exp diff,metrics diff,params diff,plots diff", onlyNames},
		{a.gitRemoteNames, "exp list", onlyNames},
		{a.remoteNames, "remote default,remote modify,remote remove,remote rename", onlyNames},
		{a.taskNames, "queue logs,queue kill,queue remove,queue retry", onlyNames},
	} {
		for path := range strings.SplitSeq(set.commands, ",") {
			find(root, path).ValidArgsFunction = a.complete(set.names, set.directive)
		}
	}
	// The first argument is a git remote, the others are experiments.
	for _, path := range []string{"exp push", "exp pull"} {
		first, rest := a.complete(a.gitRemoteNames, onlyNames), a.complete(a.experimentNames, onlyNames)
		find(root, path).ValidArgsFunction = func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return first(cmd, args, word)
			}
			return rest(cmd, args, word)
		}
	}
	must(find(root, "completion").RegisterFlagCompletionFunc("shell", a.complete(shellNames, onlyNames)))
	for option, of := range map[string]struct {
		names    lister
		commands string
	}{
		"remote":     {a.remoteNames, "push,pull,fetch,status,gc,data status,exp push,exp pull"},
		"git-remote": {a.gitRemoteNames, "exp remove,exp rename"},
	} {
		for path := range strings.SplitSeq(of.commands, ",") {
			must(find(root, path).RegisterFlagCompletionFunc(option, a.complete(of.names, onlyNames)))
		}
	}
}

// find is the command of a path; a path of the table above that has none is a
// mistake that every completion would show.
func find(root *cobra.Command, path string) *cobra.Command {
	cmd, rest, err := root.Find(strings.Fields(path))
	if err != nil || len(rest) > 0 {
		panic("no command " + path)
	}
	return cmd
}

// must is for what only a mistake in this program can make fail.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// complete makes a completion of names. What cannot be found out, outside of a
// repository say, completes to nothing: a message would stand in the user's line.
func (a *app) complete(list lister, directive cobra.ShellCompDirective) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		// What the shell reads is the names alone.
		a.quiet = 1
		if a.start() != nil {
			return nil, directive
		}
		all, err := list(cmd.Context())
		if err != nil {
			return nil, directive
		}
		var found []string
		for _, name := range all {
			if strings.HasPrefix(name, word) && !slices.Contains(args, name) && !slices.Contains(found, name) {
				found = append(found, name)
			}
		}
		return found, directive
	}
}

// The listers below need a repository, but for this one.
func shellNames(context.Context) ([]string, error) { return shells, nil }

func (a *app) stageNames(ctx context.Context) ([]string, error) {
	repo, err := a.open()
	if err != nil {
		return nil, err
	}
	stages, err := repo.Stages(ctx, &pipeline.ListOptions{All: true})
	var list []string
	for _, s := range stages {
		list = append(list, s.Address)
	}
	return list, err
}

func (a *app) experimentNames(ctx context.Context) ([]string, error) {
	repo, err := a.openExp()
	if err != nil {
		return nil, err
	}
	defer repo.Close()
	experiments, err := repo.List(ctx, &experiment.Selection{All: true})
	var list []string
	for _, e := range experiments {
		list = append(list, e.Name)
	}
	return list, err
}

func (a *app) taskNames(ctx context.Context) (list []string, err error) {
	err = a.withQueue(ctx, func(q *queue.Queue) error {
		tasks, err := q.Tasks(ctx)
		for _, t := range tasks {
			list = append(list, t.Name)
		}
		return err
	})
	return list, err
}

func (a *app) remoteNames(context.Context) ([]string, error) {
	c, err := a.config()
	if err != nil {
		return nil, err
	}
	var list []string
	for _, r := range c.Remotes() {
		list = append(list, r.Name)
	}
	return list, nil
}

// gitRemoteNames asks git, as everything about the user's own repository does.
func (a *app) gitRemoteNames(ctx context.Context) ([]string, error) {
	cmd := exec.CommandContext(ctx, "git", "remote")
	cmd.Dir, cmd.Env = a.Dir, a.Env
	out, err := cmd.Output()
	return strings.Fields(string(out)), err
}
