//go:build unix

package hub_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/experiment/queue/hub"
	"github.com/reprodl/reprodl/params"
	"github.com/reprodl/reprodl/pipeline"
)

// TestMain is also the worker: a process of its own.
func TestMain(m *testing.M) {
	if dir := os.Getenv("HUB_TEST_SERVE"); dir != "" {
		serveForever(dir)
	}
	if os.Getenv("DVC_STAGE") != "" {
		runStage()
	}
	token := os.Getenv("HUB_TEST_TOKEN")
	if token == "" {
		os.Exit(m.Run())
	}
	t, err := hub.ParseToken(token)
	if err == nil {
		o := &hub.JoinOptions{Dir: os.Getenv("HUB_TEST_DIR"), Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))}
		fmt.Sscan(os.Getenv("HUB_TEST_JOBS"), &o.Jobs)
		if os.Getenv("HUB_TEST_IDLE") != "" {
			o.Idle = -1
		}
		err = hub.Join(context.Background(), t, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ERROR:", err)
		os.Exit(1)
	}
}

// fleet is a repository with a hub, and workers in processes of their own.
type fleet struct {
	*exptest.Project
	repo  *experiment.Repo
	hub   *hub.Hub
	conn  *hub.Conn
	queue *queue.Queue
	token *hub.Token
}

func newFleet(t *testing.T, files map[string]string, opts *hub.Options) *fleet {
	t.Helper()
	f := &fleet{Project: exptest.New(t, files)}
	f.repo = f.Open()
	f.serve(opts)
	var err error
	f.token, err = f.hub.Token(hub.Worker, time.Hour)
	require.NoError(t, err)
	return f
}

// serve starts the hub, and connects to it as commands of this machine do.
func (f *fleet) serve(opts *hub.Options) {
	f.Helper()
	var err error
	f.hub, err = hub.Serve(f.Context(), f.repo, opts)
	require.NoError(f, err)
	f.T.Cleanup(f.hub.Close)
	token, err := hub.Running(f.repo)
	require.NoError(f, err)
	require.NotNil(f, token)
	f.conn, err = hub.Dial(f.Context(), token, nil)
	require.NoError(f, err)
	f.T.Cleanup(f.conn.Close)
	f.queue = queue.Open(f.repo, &queue.Options{Store: f.conn})
}

// worker starts a worker. Without git credentials or a name of its own.
func (f *fleet) worker(env ...string) *exec.Cmd {
	f.Helper()
	self, err := os.Executable()
	require.NoError(f, err)
	cmd := exec.Command(self)
	dir := f.TempDir()
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HUB_TEST_TOKEN="+f.token.String(), "HUB_TEST_DIR="+filepath.Join(dir, "worker"), "HOME="+dir,
		"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "SHELL=/bin/sh")
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = new(bytes.Buffer)
	require.NoError(f, cmd.Start())
	f.T.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if f.Failed() {
			f.Log(cmd.Stderr.(*bytes.Buffer).String())
		}
	})
	return cmd
}

// add queues experiments and returns their ids.
func (f *fleet) add(name, set string) []string {
	f.Helper()
	tasks, err := f.queue.Add(f.Context(), &experiment.RunOptions{Name: name, Set: []string{set}})
	require.NoError(f, err)
	var ids []string
	for _, task := range tasks {
		ids = append(ids, task.ID)
	}
	return ids
}

func (f *fleet) ref(name string) string {
	head := f.Git("rev-parse", "HEAD")
	return "refs/exps/" + head[:2] + "/" + head[2:] + "/" + name
}

func TestWorkersOfOtherMachines(t *testing.T) {
	remote := t.TempDir()
	for _, c := range []struct{ name, config string }{
		{"data through the hub", ""},
		{"data through the hub, as the remote is elsewhere from a clone", "[core]\n    remote = r\n['remote \"r\"']\n    url = ../../beside\n"},
		{"data through the remote", "[core]\n    remote = r\n['remote \"r\"']\n    url = " + filepath.ToSlash(remote) + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFleet(t, map[string]string{".dvc/config": c.config, ".gitignore": "/in\n", "in.dvc": "outs:\n- md5: 6137cde4893c59f76f005a8123d8e8e6\n  size: 5\n  hash: md5\n  path: in\n"}, nil)
			p, err := f.repo.Pipeline()
			require.NoError(t, err)
			_, err = p.Add(t.Context(), nil, "in")
			require.NoError(t, err)
			if c.config != "" {
				_, err = p.Push(t.Context(), nil)
				require.NoError(t, err)
			}
			before := f.State()
			f.worker("HUB_TEST_JOBS=2")
			tasks, err := f.queue.Add(t.Context(), &experiment.RunOptions{Name: "s", Set: []string{"lr=range(1,5)"}})
			require.NoError(t, err)
			var ids []string
			for _, task := range tasks {
				ids = append(ids, task.ID)
			}
			done, err := f.queue.Wait(t.Context(), ids...)
			require.NoError(t, err)
			assert.Equal(t, before, f.State(), "the workspace takes no part")
			assert.Empty(t, f.Git("for-each-ref", "refs/reprodl/queue"))
			for i, task := range done {
				name := fmt.Sprintf("s-%d", i+1)
				assert.Equal(t, f.Git("rev-parse", f.ref(name)), task.Result)
				assert.Contains(t, f.Git("show", f.ref(name)+":metrics.yaml"), fmt.Sprintf("lr: %d\n", i+1))
				rec, err := f.repo.Provenance(t.Context(), name)
				require.NoError(t, err)
				assert.Equal(t, task.ID, rec.Task)
				assert.Equal(t, "Ada", f.Git("log", "-1", "--format=%an", f.ref(name)))
				var log strings.Builder
				require.NoError(t, f.queue.Log(t.Context(), name, &log, &queue.LogOptions{Follow: true}))
				assert.Contains(t, log.String(), "Running stage 'train'")
				// Of outputs that no run has made yet, as DVC.
				unmade := regexp.MustCompile(`WARN: No file hash info found for .*\n`)
				assert.NotContains(t, unmade.ReplaceAllString(log.String(), ""), "WARN")
			}
			if strings.Contains(c.config, remote) {
				e, err := f.repo.Find(t.Context(), "s-3")
				require.NoError(t, err)
				require.NoError(t, f.repo.FetchData(t.Context(), []experiment.Experiment{*e}, nil))
			}
			require.NoError(t, f.repo.Apply(t.Context(), "s-3"))
			assert.Equal(t, "data\n"+f.Read("params.yaml"), f.Read("model.txt"), "the outputs came home")
			f.Fsck()
		})
	}
}

// TestTheRemoteIsNotOnThisMachine: nothing is run whose outputs nobody would get.
func TestTheRemoteIsNotOnThisMachine(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "remote")
	remote := "[core]\n    remote = r\n['remote \"r\"']\n    url = " + filepath.ToSlash(dir) + "\n"
	for _, c := range []struct{ name, committed, own, want string }{
		{"it is not committed", "", remote, "is not in its .dvc/config"},
		{"its directory is not there", remote, "", "which is not on this machine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &fleet{Project: exptest.New(t, map[string]string{".dvc/config": c.committed})}
			f.Write(".dvc/config.local", c.own)
			f.repo = f.Open()
			f.serve(nil)
			var err error
			f.token, err = f.hub.Token(hub.Worker, time.Hour)
			require.NoError(t, err)
			require.NoError(t, os.Remove(dir)) // as if the worker were elsewhere
			tasks, err := f.queue.Add(t.Context(), nil)
			require.NoError(t, err)
			f.worker()
			require.Eventually(t, func() bool {
				task, err := f.conn.Get(t.Context(), tasks[0].ID)
				return err == nil && task.Attempts > 0 && task.State == queue.Queued && strings.Contains(task.Error, c.want)
			}, time.Minute, 10*time.Millisecond)
		})
	}
}

// goStage writes its parameter.
var goStage = pipeline.Stage{
	Name:   "train",
	Params: []pipeline.Params{{Keys: []string{"lr"}}},
	Outs:   []pipeline.Out{{Path: "score.json", Kind: pipeline.Metric, NoCache: true}},
	Run: func(context.Context) error {
		v, err := params.Read("params.yaml")
		if err != nil {
			return err
		}
		var lr float64
		if err := v.Decode("lr", &lr); err != nil {
			return err
		}
		return os.WriteFile("score.json", fmt.Appendf(nil, "{\"score\": %v}\n", lr), 0o666)
	},
}

// runStage is the program of a stage in Go.
func runStage() {
	repo, err := pipeline.Open(".", nil)
	if err == nil {
		repo, err = repo.Define("bin/prog", goStage)
	}
	if err == nil {
		err = repo.Main(context.Background(), os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// newGoFleet is a fleet whose stages are in Go, and the program that has them: this one.
func newGoFleet(t *testing.T) (f *fleet, program []byte) {
	t.Helper()
	f = newFleet(t, map[string]string{".gitignore": "/bin\n"}, nil)
	f.Git("rm", "-q", "dvc.yaml")
	f.Git("commit", "-qm", "the stages are in Go")
	self, err := os.Executable()
	require.NoError(t, err)
	program, err = os.ReadFile(self)
	require.NoError(t, err)
	return f, program
}

// TestStagesInGoAreRunByTheWorkersOwnProgram if that is the same build, and by
// no other.
func TestStagesInGoAreRunByTheWorkersOwnProgram(t *testing.T) {
	f, program := newGoFleet(t)
	f.worker()
	add := func(name string, program []byte) string {
		f.Write("bin/prog", string(program))
		require.NoError(t, os.Chmod(filepath.Join(f.Dir, "bin", "prog"), 0o755))
		tasks, err := f.queue.Add(t.Context(), &experiment.RunOptions{Name: name, Set: []string{"lr=0.5"}, Stages: []pipeline.Stage{goStage}, Program: "bin/prog"})
		require.NoError(t, err)
		return tasks[0].ID
	}
	other := add("other", append(program, 0))
	_, err := f.queue.Wait(t.Context(), add("go", program))
	require.NoError(t, err)
	assert.Equal(t, `{"score": 0.5}`, f.Git("show", f.ref("go")+":score.json"))
	waits, err := f.conn.Get(t.Context(), other)
	require.NoError(t, err)
	assert.Equal(t, queue.Queued, waits.State, "it was queued first")
}

// TestWorkersThatEndedAreNotListed: also one that found no place for its files.
func TestWorkersThatEndedAreNotListed(t *testing.T) {
	f := newFleet(t, nil, nil)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o666))
	require.NoError(t, f.worker("HUB_TEST_IDLE=1").Wait())
	require.Error(t, f.worker("HUB_TEST_DIR="+filepath.Join(file, "below")).Wait())
	list, err := f.conn.Workers(t.Context())
	require.NoError(t, err)
	assert.Empty(t, list)
}

// TestThePlaceIsTaken ends at once, and says it once.
func TestThePlaceIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	var log bytes.Buffer
	p := exptest.New(t, nil)
	_, err = hub.Serve(t.Context(), p.Open(), &hub.Options{Listen: l.Addr().String(), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	assert.ErrorContains(t, err, "--listen")
	assert.Empty(t, log.String())
}

// TestOthersSeeTheQueueAsBefore: of the hub's files its secrets alone are its user's.
func TestOthersSeeTheQueueAsBefore(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o022))
	f := newFleet(t, nil, nil)
	files := filepath.Join(f.Dir, ".dvc", "tmp", "exps", "reprodl")
	for name, want := range map[string]os.FileMode{".": 0o755, "logs": 0o755, "live": 0o755, "hub": 0o700} {
		fi, err := os.Stat(filepath.Join(files, name))
		require.NoError(t, err)
		assert.Equal(t, want, fi.Mode().Perm(), name)
	}
}
