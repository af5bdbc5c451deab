//go:build linux

package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"
)

// TestRemoteSpeed times transfers with an S3 server in memory and, if
// REPRODL_REMOTES has one, with an sshd: the program's and, if
// REPRODL_DVC_REMOTES names it, the real dvc's. It prints wall time, processor
// time and the greatest memory of each, and asserts nothing.
func TestRemoteSpeed(t *testing.T) {
	if os.Getenv("REPRODL_BENCH") == "" {
		t.Skip("REPRODL_BENCH is not set")
	}
	s := &remoteSpeed{T: t, base: t.TempDir(), files: size("REPRODL_BENCH_FILES", 10_000), mb: size("REPRODL_BENCH_MB", 1024),
		peer: os.Getenv("REPRODL_DVC_REMOTES")}
	s.self = filepath.Join(s.base, "reprodl")
	out, err := exec.Command("go", "build", "-o", s.self, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	s.prepare()

	kinds := []kindOfRemote{{"S3", "s3://bench", []string{"endpointurl=" + s.s3(), "access_key_id=a", "secret_access_key=b", "region=us-east-1"}}}
	if list := os.Getenv("REPRODL_REMOTES"); list != "" {
		data, err := os.ReadFile(list)
		require.NoError(t, err)
		interopHome(t)
		for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
			if f := strings.Fields(lines.Text()); strings.HasPrefix(f[1], "ssh://") {
				kinds = append(kinds, kindOfRemote{"SSH", f[1], f[2:]})
			}
		}
	}
	fmt.Printf("%-34s %28s   %28s   %s\n", "wall s / CPU s / MB", "dvc", "reprodl", "ratio of wall, CPU")
	for _, k := range kinds {
		if only := os.Getenv("REPRODL_BENCH_KIND"); only == "" || only == k.name {
			s.kind(k)
		}
	}
}

// s3 starts an S3 server in a process of its own, and returns its URL: what a
// process is measured to use begins with what its parent does.
func (s *remoteSpeed) s3() string {
	self, err := os.Executable()
	require.NoError(s, err)
	server := exec.Command(self, "-test.run", "^TestRemoteSpeedServer$")
	server.Env = append(os.Environ(), "REPRODL_BENCH_SERVER=1")
	out, err := server.StdoutPipe()
	require.NoError(s, err)
	in, err := server.StdinPipe() // whose end ends the server
	require.NoError(s, err)
	require.NoError(s, server.Start())
	s.Cleanup(func() { in.Close(); server.Wait() })
	url, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(s, err)
	return strings.TrimSpace(url)
}

// TestRemoteSpeedServer is that server.
func TestRemoteSpeedServer(t *testing.T) {
	if os.Getenv("REPRODL_BENCH_SERVER") == "" {
		t.Skip("run by TestRemoteSpeed")
	}
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("bench"))
	server := httptest.NewServer(gofakes3.New(backend).Server())
	defer server.Close()
	fmt.Println(server.URL)
	io.Copy(io.Discard, os.Stdin)
}

type kindOfRemote struct {
	name, url string
	options   []string
}

type remoteSpeed struct {
	*testing.T
	base, self, peer string
	files, mb        int
}

// cost is that of a process.
type cost struct {
	wall, cpu time.Duration
	mb        int64
}

func (c cost) String() string {
	return fmt.Sprintf("%.2f / %.2f / %d", c.wall.Seconds(), c.cpu.Seconds(), c.mb)
}

func (s *remoteSpeed) sh(line string) {
	s.Helper()
	cmd := exec.Command("sh", "-ec", line, s.self)
	cmd.Dir = s.base
	cmd.Env = s.env("sh")
	out, err := cmd.CombinedOutput()
	require.NoError(s, err, "%s: %s", line, out)
}

func (s *remoteSpeed) env(who string) []string {
	return append(os.Environ(), "DVC_NO_ANALYTICS=1", "DVC_SITE_CACHE_DIR="+filepath.Join(s.base, "site-"+who), "GIT_CONFIG_GLOBAL="+os.DevNull)
}

// time runs a program in a repository and fails if that does.
func (s *remoteSpeed) time(program, dir string, args ...string) cost {
	s.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = filepath.Join(s.base, dir)
	cmd.Env = s.env(filepath.Base(program))
	began := time.Now()
	out, err := cmd.CombinedOutput()
	wall := time.Since(began)
	require.NoError(s, err, "%s %v: %.2000s", program, args, out)
	p := cmd.ProcessState
	return cost{wall, p.UserTime() + p.SystemTime(), p.SysUsage().(*syscall.Rusage).Maxrss / 1000}
}

// prepare makes a repository of many small files and one with a large file.
func (s *remoteSpeed) prepare() {
	write := func(name string, n int64) {
		f, err := os.Create(filepath.Join(s.base, name))
		require.NoError(s, err)
		defer f.Close()
		_, err = io.CopyN(f, rand.Reader, n)
		require.NoError(s, err)
	}
	s.sh("for r in many large; do mkdir $r; (cd $r; git init -q; $0 init -q); done; mkdir many/d")
	for i := range s.files {
		write(fmt.Sprintf("many/d/%05d", i), 4096)
	}
	write("large/f", int64(s.mb)<<20)
	s.sh("(cd many; $0 add -q d); (cd large; $0 add -q f)")
}

// kind times one kind of remote, all that a user does there in turn.
func (s *remoteSpeed) kind(k kindOfRemote) {
	programs := []string{s.self}
	if s.peer != "" {
		programs = []string{s.peer, s.self}
	}
	results := map[string][]cost{}
	var names []string
	for i, program := range programs {
		note := func(name string, c cost) {
			if i == 0 {
				names = append(names, name)
			}
			results[name] = append(results[name], c)
		}
		for _, repo := range []string{"many", "large"} {
			s.sh("cd " + repo + "; rm -f .dvc/config; $0 remote add -q -d r " + fmt.Sprintf("%s/%d-%s-%d", k.url, i, repo, time.Now().UnixNano()))
			for _, o := range k.options {
				option, value, _ := strings.Cut(o, "=")
				s.sh("cd " + repo + "; $0 remote modify -q r " + option + " " + value)
			}
		}
		note(fmt.Sprintf("push %d x 4 KB", s.files), s.time(program, "many", "push"))
		note("push, nothing to do", s.time(program, "many", "push"))
		note("status -c", s.time(program, "many", "status", "-c"))
		s.sh(fmt.Sprintf("cp -r many many2; cd many2; echo %d >d/new; $0 add -q d", i))
		note("push 1 new", s.time(program, "many2", "push"))
		s.sh("chmod -R u+w many2; cd many2; rm -rf .dvc/cache d; git -C ../many status >/dev/null; cp ../many/d.dvc .")
		note(fmt.Sprintf("pull %d x 4 KB", s.files), s.time(program, "many2", "pull"))
		s.sh("diff -r many/d many2/d; chmod -R u+w many2; rm -rf many2")

		note(fmt.Sprintf("push %d MB", s.mb), s.time(program, "large", "push"))
		s.sh("mkdir large2; cp -r large/.git large/.dvc large/f.dvc large2; chmod -R u+w large2/.dvc/cache; rm -rf large2/.dvc/cache")
		note(fmt.Sprintf("pull %d MB", s.mb), s.time(program, "large2", "pull"))
		s.sh("cmp large/f large2/f; chmod -R u+w large2; rm -rf large2")
	}
	for _, name := range names {
		list := results[name]
		ours := list[len(list)-1]
		if len(list) == 1 {
			fmt.Printf("%-34s %28s   %28s\n", k.name+" "+name, "", ours)
			continue
		}
		fmt.Printf("%-34s %28s   %28s   %.1f, %.1f\n", k.name+" "+name, list[0], ours,
			list[0].wall.Seconds()/ours.wall.Seconds(), list[0].cpu.Seconds()/ours.cpu.Seconds())
	}
}
