package ssh

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
)

// dialAgent connects to the agent of Windows, which is a named pipe; nil
// without an error if there is none.
func (h *host) dialAgent() (io.ReadWriteCloser, error) {
	pipe := h.agent
	if pipe == "" {
		pipe = `\\.\pipe\openssh-ssh-agent`
	}
	f, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) && h.agent == "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return f, nil
}

func shellCommand(text string) *exec.Cmd { return exec.Command("cmd", "/c", text) }
