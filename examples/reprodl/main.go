// Reprodl is the command dvc, made of this module's packages: the same command
// names, options, exit codes, JSON and printed lines, so that scripts written
// for dvc run with it unchanged. "reprodl help" lists the commands.
package main

import (
	"context"
	"os"
)

func main() {
	dir, _ := os.Getwd()
	os.Exit(run(context.Background(), os.Args[1:], &world{
		Dir: dir, Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}))
}
