package main

import "github.com/spf13/cobra"

// commands are all commands of the program, one a line. A command is a
// function of the app in a file named after it; it returns errors as they come,
// wrapped in soft where dvc exits with 1 (exit.go has the mapping), prints
// results with a.printf and opens the repository with a.open.
func (a *app) commands() []*cobra.Command {
	return append(a.unsupportedCmds(), []*cobra.Command{
		a.addCmd(),
		a.artifactsCmd(),
		a.cacheCmd(),
		a.checkIgnoreCmd(),
		a.checkoutCmd(),
		a.commitCmd(),
		a.completionCmd(),
		a.configCmd(),
		a.dagCmd(),
		a.dataCmd(),
		a.destroyCmd(),
		a.diffCmd(),
		a.duCmd(),
		a.expCmd(),
		a.fetchCmd(),
		a.freezeCmd(),
		a.gcCmd(),
		a.getCmd(),
		a.getURLCmd(),
		a.gitHookCmd(),
		a.importCmd(),
		a.importURLCmd(),
		a.initCmd(),
		a.installCmd(),
		a.listCmd(),
		a.listURLCmd(),
		a.metricsCmd(),
		a.moveCmd(),
		a.paramsCmd(),
		a.pullCmd(),
		a.pushCmd(),
		a.queueCmd(),
		a.remoteCmd(),
		a.removeCmd(),
		a.plotsCmd(),
		a.reproCmd(),
		a.rootCmd(),
		a.runStageCmd(),
		a.stageCmd(),
		a.statusCmd(),
		a.unfreezeCmd(),
		a.unprotectCmd(),
		a.updateCmd(),
		a.versionCmd(),
	}...)
}
