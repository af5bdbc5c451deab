package ssh

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"time"
)

// dialCommand is a connection through the standard input and output of a
// command (ProxyCommand).
// The context is not watched here: dial closes the connection, and so the command.
func dialCommand(_ context.Context, command string) (net.Conn, error) {
	cmd := shellCommand(command)
	cmd.Stderr = os.Stderr // where the command says why it failed, or asks for a password
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &commandConn{cmd: cmd, WriteCloser: in, out: out}, nil
}

// commandConn is a net.Conn as far as x/crypto/ssh uses one.
type commandConn struct {
	io.WriteCloser
	out io.Reader
	cmd *exec.Cmd
}

func (c *commandConn) Read(p []byte) (int, error) { return c.out.Read(p) }

// Close ends the command. It may have ended by itself, so Kill's error says
// nothing; Wait must be called, or a zombie stays.
func (c *commandConn) Close() error {
	err := c.WriteCloser.Close()
	c.cmd.Process.Kill()
	c.cmd.Wait()
	return err
}

func (c *commandConn) LocalAddr() net.Addr  { return unknownAddr{} }
func (c *commandConn) RemoteAddr() net.Addr { return unknownAddr{} }

// Nobody sets a deadline: what takes too long is closed.
func (c *commandConn) SetDeadline(time.Time) error      { return nil }
func (c *commandConn) SetReadDeadline(time.Time) error  { return nil }
func (c *commandConn) SetWriteDeadline(time.Time) error { return nil }
