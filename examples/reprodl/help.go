package main

import (
	"fmt"
	"maps"
	"strings"

	"github.com/spf13/cobra"
)

// helpWidth is the width in columns within which every help text stays.
const helpWidth = 98

// doc is what "reprodl help COMMAND" says beyond the command's Short and its
// options: what it is for, and command lines to copy.
type doc struct {
	long    string
	example string
}

// document gives each command below root the text of its path in docs. It is the
// one place that does: commands themselves have a Short only.
func document(root *cobra.Command) {
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "Flags.FlagUsages", fmt.Sprint("Flags.FlagUsagesWrapped ", helpWidth)))
	describe(root, "")
}

// describe walks the commands; path is that of cmd, "" for the program.
func describe(cmd *cobra.Command, path string) {
	if d, ok := docs[path]; ok {
		cmd.Long = strings.TrimSuffix(cmd.Short, ".") + ".\n\n" + strings.TrimSpace(d.long)
		cmd.Example = "  " + strings.ReplaceAll(strings.TrimSpace(d.example), "\n", "\n  ")
	}
	for _, sub := range cmd.Commands() {
		describe(sub, strings.TrimSpace(path+" "+sub.Name()))
	}
}

// docs is by the command's path below the program's name. Examples are lines to
// type, one command each; a line with "#" says what the next is for.
var docs = func() map[string]doc {
	all := map[string]doc{}
	for _, part := range []map[string]doc{programDocs, pipelineDocs, dataDocs, externalDocs, experimentDocs} {
		maps.Copy(all, part)
	}
	return all
}()

var programDocs = map[string]doc{
	"": {`
It keeps the files of DVC 3.67: what one of the two programs wrote, the other reads. Names,
options, exit codes, JSON and printed lines are dvc's; what dvc does not have says so. An
option may be shortened to any beginning that is clear, as in dvc.`, `
# a repository, data in it, a stage, its run
reprodl init
reprodl add data
reprodl stage add -n train -d data -o model -p lr "go run ./train"
reprodl repro
# an experiment with another value, and all of them in a table
reprodl exp run -n second -S lr=0.2
reprodl exp show`},
	"help": {`
Any command and subcommand has its own page; COMMAND --help prints the same.`, `
reprodl help
reprodl help exp run`},
	"completion": {`
The script goes to standard output. It completes commands, options, files, and the names of
stages, experiments, queued tasks and remotes of the repository that you are in. The shell is
an argument or, as dvc spells it, an option; without either it is bash, which needs the
package bash-completion. If you call this program dvc, --program makes the script for that name.`, `
# for this shell
reprodl completion bash > reprodl.bash
# for every shell from now on
reprodl completion bash > ~/.local/share/bash-completion/completions/reprodl
reprodl completion zsh > ~/.zsh/completions/_reprodl
reprodl completion fish > ~/.config/fish/completions/reprodl.fish
# under the name of dvc, in dvc's spelling
reprodl completion -s zsh --program dvc`},
	"version": {`
Also the Go version, the platform, the kinds of remotes, where the configuration is read from and,
inside of a repository, its cache and how files of it can be linked, its remotes and its root.`, `
reprodl version
reprodl doctor`},
	"root": {`
Prints "." at the root itself. Outside of a repository the exit code is 253.`, `
reprodl root
reprodl -C data/raw root`},
	"init": {`
Makes .dvc with an empty configuration, .dvc/.gitignore and .dvcignore, and adds them to git's
index. The directory must be the root of a git repository unless an option says otherwise.`, `
reprodl init
# below the root of a repository with several projects
reprodl init --subdir models/audio
# without git
reprodl init --no-scm`},
	"install": {`
After git checkout the hooks check out the data, before a commit they print the status, and before
a push they push the data. Hooks that are there are not touched. It also tells git how to merge
.dvc files of directories; say in .gitattributes which ("*.dvc merge=dvc").`, `
reprodl install
reprodl install --program dvc`},
	"destroy": {`
Removes .dvc with the cache in it, .dvcignore, every dvc.yaml, dvc.lock and .dvc file. The data in
the workspace stays; what was a link into the cache becomes a file. It asks first.`, `
reprodl destroy
reprodl destroy -f`},
	"cache": {`
See "reprodl help cache dir" and "reprodl help cache migrate".`, `
reprodl cache dir
reprodl cache migrate`},
	"cache migrate": {`
Objects of DVC 2 in the cache get a second name, by the hash that DVC 3 has of them. With
--dvc-files .dvc files and dvc.lock record these hashes from then on; what is not in the
workspace stays.`, `
reprodl cache migrate --dry --dvc-files
reprodl cache migrate --dvc-files`},
	"cache dir": {`
Without a path it prints the directory. A path is relative to the working directory, and written
relative to the configuration file. What is in the old directory stays there.`, `
reprodl cache dir
reprodl cache dir --local /mnt/cache
reprodl cache dir --unset`},
	"config": {`
Without a value it prints the option. The configuration is the sum of four files; each
overrides those before it: the system's, the user's (--global), the project's .dvc/config,
and .dvc/config.local, which git ignores. Options that do not exist are refused.`, `
reprodl config core.autostage true
reprodl config cache.type reflink,hardlink,copy
reprodl config --list --show-origin
reprodl config --local --unset core.remote`},
}
