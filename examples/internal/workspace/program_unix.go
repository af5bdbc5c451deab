//go:build !windows

package workspace

const (
	// Program is the file name of the installed program.
	Program = "train"
	command = "./" + Program
)
