//go:build !windows

package ssh

import (
	"io"
	"net"
	"os/exec"
)

// dialAgent connects to the agent; nil without an error if there is none.
func (h *host) dialAgent() (io.ReadWriteCloser, error) {
	if h.agent == "" {
		return nil, nil
	}
	return net.Dial("unix", h.agent)
}

// shellCommand runs a ProxyCommand as OpenSSH does: exec puts the command in the
// place of the shell, so that to kill the process is to kill the command.
func shellCommand(text string) *exec.Cmd { return exec.Command("/bin/sh", "-c", "exec "+text) }
