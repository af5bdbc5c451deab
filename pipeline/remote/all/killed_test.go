//go:build linux

package all

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/sshtest"
)

// TestCutServer kills the server itself at random moments of push and pull, and
// starts it again for the next try: then all is complete and right, and of a file
// that goes in parts only those are sent that had not arrived. Real servers are
// used where they are installed.
func TestCutServer(t *testing.T) {
	rounds := 1
	if long := os.Getenv("REPRODL_LONG"); long != "" {
		rounds = 15 // of half a minute each on a busy machine
		if n, err := strconv.Atoi(long); err == nil && n > 1 {
			rounds = n
		}
	}
	t.Run("S3", func(t *testing.T) {
		s := &s3Process{program: os.Getenv("REPRODL_VERSITYGW")}
		if s.program == "" {
			s.memory(t)
		} else {
			s.files(t)
		}
		l := newLine(t, s.addr)
		l.kills(s.kill)
		killedRounds(t, l, rounds, s.start, "s3://bucket", map[string]string{"endpointurl": "http://" + l.addr,
			"access_key_id": "id", "secret_access_key": "secret", "region": "us-east-1"})
	})
	t.Run("SSH", func(t *testing.T) {
		const program = "/usr/sbin/sshd"
		if _, err := os.Stat(program); err != nil || os.Getuid() != 0 {
			t.Skip("no sshd, or nobody who may start it")
		}
		d, url, options := newSSHD(t, program)
		l := newLine(t, d.addr)
		l.kills(d.kill)
		_, port, _ := net.SplitHostPort(l.addr)
		options["port"] = port
		d.know(t, l.addr)
		killedRounds(t, l, rounds, d.start, url, options)
	})
}

// killedRounds lets the server die in each push and pull of some small files and
// one that an S3 remote takes in parts.
func killedRounds(t *testing.T, l *line, rounds int, start func(*testing.T), url string, options map[string]string) {
	const (
		part  = 32 << 20
		large = 3*part + part/2
		small = 300 * 6_000
	)
	config := func(round int) string {
		text := fmt.Sprintf("[core]\n    remote = r\n    no_scm = true\n['remote \"r\"']\n    url = %s/%d\n", url, round)
		if round%2 == 0 { // one part after the other
			text += "    jobs = 1\n"
		}
		for name, value := range options {
			text += "    " + name + " = " + value + "\n"
		}
		return text
	}
	here := filepath.Join(t.TempDir(), "here")
	repo := cutRepo(t, here, config(0))
	for i := range 300 {
		cutFile(t, filepath.Join(here, "d", fmt.Sprint(i)), rand.IntN(12_000))
	}
	f, err := os.Create(filepath.Join(here, "large"))
	require.NoError(t, err)
	_, err = io.CopyN(f, rand.NewChaCha8([32]byte{byte(rounds)}), large)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	_, err = repo.Add(t.Context(), nil, "d", "large")
	require.NoError(t, err)

	start(t)
	for round := range rounds {
		there := filepath.Join(t.TempDir(), "there")
		require.NoError(t, os.MkdirAll(there, 0o777))
		require.NoError(t, os.WriteFile(filepath.Join(here, ".dvc", "config"), []byte(config(round)), 0o666))
		for _, name := range []string{"d.dvc", "large.dvc"} {
			text, err := os.ReadFile(filepath.Join(here, name))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(there, name), text, 0o666))
		}
		before := l.sent.Load()
		killed(t, l, rand.Int64N(large), start, func(ctx context.Context) error {
			_, err := cutRepo(t, here, config(round)).Push(ctx, nil)
			return err
		})
		// What was on its way when the server died is sent twice, and no more.
		if sent := l.sent.Load() - before; strings.HasPrefix(url, "s3:") && round%2 == 0 {
			assert.Less(t, sent, int64(large+part+4*small), "parts that had arrived were sent again")
		}
		killed(t, l, rand.Int64N(large), start, func(ctx context.Context) error {
			_, _, err := cutRepo(t, there, config(round)).Pull(ctx, nil)
			return err
		})
		cutSame(t, here, there)
		require.NoError(t, os.RemoveAll(there))
	}
	assert.GreaterOrEqual(t, int(l.cuts.Load()), (rounds+1)/2, "the server died in many of the transfers")
}

// killed makes a transfer whose server dies, and one with a server that lives.
func killed(t *testing.T, l *line, bytes int64, start func(*testing.T), transfer func(context.Context) error) {
	t.Helper()
	l.arm(bytes, refuses)
	before := l.cuts.Load()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	err := transfer(ctx)
	require.NoError(t, ctx.Err(), "it hangs")
	if l.cuts.Load() == before {
		require.NoError(t, err)
	} else {
		if err != nil { // nothing was left to send when it died
			var e *remote.Error
			require.True(t, errors.As(err, &e), "%v", err)
			assert.Contains(t, err.Error(), "remote 'r'")
		}
		start(t)
	}
	l.arm(-1, works)
	require.NoError(t, transfer(ctx))
}

// s3Process is an S3 server: a process with its files, or one in memory, whose
// connections die but whose uploads do not.
type s3Process struct {
	program, dir, addr string
	cmd                *exec.Cmd
}

// memory needs no program: the way to it is all that dies.
func (s *s3Process) memory(t *testing.T) {
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("bucket"))
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	s.addr = server.Listener.Addr().String()
}

func (s *s3Process) files(t *testing.T) {
	s.dir, s.addr = t.TempDir(), freeAddr(t)
	require.NoError(t, os.MkdirAll(filepath.Join(s.dir, "files", "bucket"), 0o777))
	require.NoError(t, os.MkdirAll(filepath.Join(s.dir, "meta"), 0o777))
	t.Cleanup(s.kill)
}

func (s *s3Process) start(t *testing.T) {
	if s.program == "" {
		return
	}
	s.cmd = exec.Command(s.program, "--port", s.addr, "posix", "--sidecar", filepath.Join(s.dir, "meta"), filepath.Join(s.dir, "files"))
	s.cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY=id", "ROOT_SECRET_KEY=secret")
	require.NoError(t, s.cmd.Start())
	awaitAddr(t, s.addr, "")
}

func (s *s3Process) kill() { killTree(s.cmd) }

// sshd is a real one, with a process for each connection.
type sshd struct {
	program, dir, addr string
	cmd                *exec.Cmd
	host               string // its key, as known_hosts has it
}

func newSSHD(t *testing.T, program string) (d *sshd, url string, options map[string]string) {
	d = &sshd{program: program, dir: t.TempDir(), addr: freeAddr(t)}
	require.NoError(t, os.MkdirAll("/run/sshd", 0o755))
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("SSH_AUTH_SOCK", "")
	require.NoError(t, os.Mkdir(filepath.Join(home, ".ssh"), 0o700))
	sshtest.NewKey(t, filepath.Join(d.dir, "host"))
	key := filepath.Join(home, ".ssh", "id_ed25519")
	sshtest.NewKey(t, key)

	public, err := os.ReadFile(filepath.Join(d.dir, "host.pub"))
	require.NoError(t, err)
	d.host = strings.TrimSpace(string(public))
	me, err := user.Current()
	require.NoError(t, err)
	_, port, _ := net.SplitHostPort(d.addr)
	require.NoError(t, os.WriteFile(filepath.Join(d.dir, "config"), []byte(strings.Join([]string{
		"Port " + port, "ListenAddress 127.0.0.1", "HostKey " + filepath.Join(d.dir, "host"), "AuthorizedKeysFile " + key + ".pub",
		"PidFile none", "StrictModes no", "UsePAM no", "PermitRootLogin yes", "Subsystem sftp internal-sftp", "MaxStartups 100", "",
	}, "\n")), 0o600))
	t.Cleanup(d.kill)
	return d, "ssh://" + me.Username + "@127.0.0.1" + filepath.Join(d.dir, "files"), map[string]string{"keyfile": key}
}

// know makes the server's key that of an address that leads to it.
func (d *sshd) know(t *testing.T, addr string) {
	host, port, _ := net.SplitHostPort(addr)
	line := fmt.Sprintf("[%s]:%s %s\n", host, port, d.host)
	require.NoError(t, os.WriteFile(filepath.Join(os.Getenv("HOME"), ".ssh", "known_hosts"), []byte(line), 0o600))
}

func (d *sshd) start(t *testing.T) {
	d.cmd = exec.Command(d.program, "-D", "-f", filepath.Join(d.dir, "config"), "-E", filepath.Join(d.dir, "log"))
	require.NoError(t, d.cmd.Start())
	awaitAddr(t, d.addr, "SSH-")
}

func (d *sshd) kill() { killTree(d.cmd) }

// awaitStop waits until a process that was told to stop has, or has ended: it may
// be in the middle of a fork.
func awaitStop(pid int) {
	for range 1000 {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		_, state, _ := strings.Cut(string(stat), ") ")
		if err != nil || strings.HasPrefix(state, "T") || strings.HasPrefix(state, "Z") {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// killTree kills a process and those that it has begun, which may be in sessions
// of their own. None begins another meanwhile: each is stopped before its
// children are looked for.
func killTree(cmd *exec.Cmd) {
	if cmd == nil || cmd.Process == nil || cmd.ProcessState != nil {
		return
	}
	var all []int
	var visit func(pid int)
	visit = func(pid int) {
		syscall.Kill(pid, syscall.SIGSTOP)
		awaitStop(pid)
		all = append(all, pid)
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
		for _, text := range strings.Fields(string(children)) {
			if child, err := strconv.Atoi(text); err == nil {
				visit(child)
			}
		}
	}
	visit(cmd.Process.Pid)
	for _, pid := range all {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	cmd.Wait()
}

// freeAddr is an address that nobody listens at.
func freeAddr(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// awaitAddr waits until a server answers with a greeting, if it has one: a server
// whose port is there may be stopped.
func awaitAddr(t *testing.T, addr, greeting string) {
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return false
		}
		defer c.Close()
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		got := make([]byte, len(greeting))
		_, err = io.ReadFull(c, got)
		return err == nil && string(got) == greeting
	}, time.Minute, 20*time.Millisecond, "%s does not greet", addr)
}
