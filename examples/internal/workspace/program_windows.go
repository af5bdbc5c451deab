package workspace

const (
	// Program is the file name of the installed program, Command what starts it.
	Program = "train.exe"
	Command = `.\` + Program // the shell is cmd.exe
)
