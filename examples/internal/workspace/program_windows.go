package workspace

const (
	// Program is the file name of the installed program.
	Program = "train.exe"
	command = `.\` + Program // the shell is cmd.exe
)
