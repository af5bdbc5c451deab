//go:build !windows

package workspace

const (
	// Program is the file name of the installed program, Command what starts it.
	Program = "train"
	Command = "./" + Program
)
