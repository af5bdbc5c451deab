// Package orphan ends programs that outlived the process that ran them. Whoever
// runs programs notes them in a file first; the kernel takes the lock on that
// file away when the process dies, however it dies. Who comes next finds the
// file without its owner and ends what still runs, before anything that those
// programs might write to is touched.
//
// On Linux and macOS a program is known by a variable in its environment, by
// its process group, and by the time at which its leader started, so that a
// process id that is used again is no mistake. On Linux its leader also gets a
// SIGTERM when the thread that started it ends. On Windows the kernel ends the
// programs with their runner. Elsewhere nothing is ended.
package orphan

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/host"
)

// Variable is set in the environment of each program, to the tokens of those
// around it and its own.
const Variable = "REPRODL_PROGRAM"

// prefix begins the names of the files.
const prefix = "reprodl-run-"

// note is the content of a file: a process and the programs it runs.
type note struct {
	Host     string    `json:"host"`
	Boot     string    `json:"boot"`  // of the host
	Space    string    `json:"space"` // in which the process ids hold: a container has its own
	PID      int       `json:"pid"`   // of the runner
	Start    string    `json:"start"` // when it started, as the system counts
	Programs []program `json:"programs"`
}

// program is one command, by itself the leader of a process group or not.
type program struct {
	Cmd   string `json:"cmd"` // for messages
	Token string `json:"token"`
	// PID is 0 and Start "" from just before it starts until it has.
	PID   int    `json:"pid,omitempty"`
	Start string `json:"start,omitempty"`
}

// A Runner notes in a directory what this process runs there. It is safe for
// concurrent use; the zero Runner is not.
type Runner struct {
	dir string

	mu   sync.Mutex // guards what follows
	file *os.File   // held locked; nil before the first program
	name string     // of file
	note note
}

// NewRunner returns the Runner of a directory. Nothing is written before the
// first program starts.
func NewRunner(dir string) *Runner { return &Runner{dir: dir} }

// A Program has been started.
type Program struct {
	r     *Runner
	token string
	tie   tie
}

// Start notes a command and starts it. text names it in messages. The caller
// calls Ended when it has waited for it.
func (r *Runner) Start(cmd *exec.Cmd, text string) (*Program, error) {
	p := &Program{r: r, token: rand.Text()}
	if supported {
		// Noted before it starts: a kill right after leaves a program that is
		// known by its environment.
		if err := r.edit(func(n *note) { n.Programs = append(n.Programs, program{Cmd: text, Token: p.token}) }); err != nil {
			return nil, err
		}
		cmd.Env = mark(cmd.Environ(), p.token)
	}
	if err := p.tie.start(cmd); err != nil {
		p.Ended()
		return nil, err
	}
	if !supported {
		return p, nil
	}
	pid := cmd.Process.Pid
	start := startTime(pid)
	// Without this it is still known by its environment.
	_ = r.edit(func(n *note) {
		for i := range n.Programs {
			if n.Programs[i].Token == p.token {
				n.Programs[i].PID, n.Programs[i].Start = pid, start
			}
		}
	})
	return p, nil
}

// Ended forgets a program. What it left running on purpose goes on.
func (p *Program) Ended() {
	p.tie.close()
	if supported {
		// A note of a program that is gone does no harm.
		_ = p.r.edit(func(n *note) {
			n.Programs = slices.DeleteFunc(n.Programs, func(q program) bool { return q.Token == p.token })
		})
	}
}

// Close removes the file. All programs have ended.
func (r *Runner) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return nil
	}
	err := os.Remove(r.name)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	err = errors.Join(err, r.file.Close())
	r.file = nil
	return err
}

// edit changes the note and writes it.
func (r *Runner) edit(change func(*note)) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		if err := r.open(); err != nil {
			return err
		}
	}
	change(&r.note)
	data, err := json.Marshal(&r.note)
	if err != nil {
		return err
	}
	// One write, so that a kill leaves the old text or the new one. What
	// follows a shorter text until it is cut off is not read.
	if _, err = r.file.WriteAt(data, 0); err == nil {
		err = r.file.Truncate(int64(len(data)))
	}
	return err
}

// open makes the file. It has its name only when it is locked.
func (r *Runner) open() error {
	if err := os.MkdirAll(r.dir, 0o777); err != nil {
		return err
	}
	machine, _ := os.Hostname()
	pid := os.Getpid()
	r.note = note{Host: machine, Boot: host.Boot(), Space: space(), PID: pid, Start: startTime(pid)}
	data, err := json.Marshal(&r.note)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(r.dir, atomicfile.TempPrefix+"*")
	if err != nil {
		return err
	}
	ok, err := host.TryLock(f)
	if err == nil && !ok {
		err = errors.New(f.Name() + " is locked by another process")
	}
	if err == nil {
		_, err = f.WriteAt(data, 0)
	}
	name := filepath.Join(r.dir, prefix+rand.Text()+".json")
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
		return errors.Join(err, f.Close())
	}
	r.file, r.name = f, name
	return nil
}

// End ends the programs whose runner, of this machine, is gone, with a warning
// for each of them. It returns when none of them is left; the error says which
// one could not be ended. While another process does the same it waits.
func End(ctx context.Context, dir string, log *slog.Logger) error {
	if !supported {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			if err := endOne(ctx, filepath.Join(dir, e.Name()), log); err != nil {
				return err
			}
		}
	}
	return err
}
