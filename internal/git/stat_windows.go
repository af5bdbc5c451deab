package git

// isNotDir never holds: Windows says that the file does not exist.
func isNotDir(error) bool { return false }
