//go:build linux || darwin

package orphan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/reprodl/reprodl/internal/host"
)

const supported = true

// grace is how long programs have to end by themselves, and after SIGKILL until
// that is an error: a process in the middle of a system call may take a while.
var grace = 5 * time.Second

const poll = 20 * time.Millisecond

// mark adds a token to those in an environment.
func mark(env []string, token string) []string {
	out := make([]string, 0, len(env)+1)
	for _, kv := range env {
		if outer, ok := strings.CutPrefix(kv, Variable+"="); ok {
			token = outer + ":" + token // the program of a program
			continue
		}
		out = append(out, kv)
	}
	return append(out, Variable+"="+token)
}

// tie is what binds a program to its runner.
type tie struct{}

func (t *tie) start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	endWithParent(cmd.SysProcAttr)
	return cmd.Start()
}

func (t *tie) close() {}

// endOne ends the programs of one file.
func endOne(ctx context.Context, name string, log *slog.Logger) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		ok, err := host.TryLock(f)
		if err != nil {
			return err
		}
		n, known := readNote(name)
		if !known && ok {
			return remove(name) // nothing of what it said can be found
		}
		// Of other machines and containers nothing is known from here.
		machine, _ := os.Hostname()
		if !known || n.Host != machine || n.Boot == host.Boot() && n.Space != space() {
			return nil
		}
		if n.Boot != host.Boot() {
			return remove(name) // its programs ended with the system
		}
		if n.Start != "" && startTime(n.PID) == n.Start {
			return nil // the runner lives
		}
		if ok {
			if err := n.end(ctx, log); err != nil {
				return err
			}
			return remove(name)
		}
		// Somebody else ends them now, or the runner is dying.
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(poll):
		}
	}
}

func remove(name string) error {
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func readNote(name string) (*note, bool) {
	data, err := os.ReadFile(name)
	n := new(note)
	// Only the first value: the end of a longer, older one may follow it.
	return n, err == nil && json.NewDecoder(bytes.NewReader(data)).Decode(n) == nil
}

// end terminates what runs of the programs, kills it after the grace, and
// returns when it is gone.
func (n *note) end(ctx context.Context, log *slog.Logger) error {
	asked := map[int]bool{}
	named := map[string]bool{}
	begin := time.Now()
	for {
		left, err := n.find()
		if err != nil || len(left) == 0 {
			return err
		}
		late := time.Since(begin)
		for _, p := range left {
			if !named[p.of.Token] {
				named[p.of.Token] = true
				log.Warn(fmt.Sprintf("ending '%s' (process %d), which an interrupted run left behind", p.of.Cmd, p.pid))
			}
			switch {
			case late >= grace:
				_ = syscall.Kill(p.pid, syscall.SIGKILL)
			case !asked[p.pid]:
				asked[p.pid] = true
				_ = syscall.Kill(p.pid, syscall.SIGTERM)
			}
		}
		if late >= 2*grace {
			return fmt.Errorf("process %d ('%s'), which an interrupted run left behind, still runs and could not be ended; end it and try again", left[0].pid, left[0].of.Cmd)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(poll):
		}
	}
}

// process is one that runs on this machine.
type process struct {
	pid, parent, group int
	start              string
	of                 *program // that it belongs to
}

// find returns what runs of the programs: all that have a token in their
// environment, the process groups of the programs' leaders, and what those have
// started. This process and those above it are left out.
func (n *note) find() ([]process, error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	byID := map[int]*process{}
	for i := range all {
		byID[all[i].pid] = &all[i]
	}
	spared := map[int]bool{}
	for id := os.Getpid(); id > 1 && !spared[id] && byID[id] != nil; id = byID[id].parent {
		spared[id] = true
	}
	groups := map[int]*program{}
	for i := range all {
		p := &all[i]
		if spared[p.pid] {
			continue
		}
		env := environment(p.pid)
		for k := range n.Programs {
			of := &n.Programs[k]
			leads := of.PID == p.pid && of.Start != "" && of.Start == p.start
			if !leads && !bytes.Contains(env, []byte(of.Token)) {
				continue
			}
			p.of = of
			// A member tells whose group it is after the leader has ended.
			if of.PID == p.group {
				groups[p.group] = of
			}
		}
	}
	for i := range all {
		if p := &all[i]; p.of == nil {
			p.of = groups[p.group]
		}
	}
	// Parents come before their children only by chance.
	for grew := true; grew; {
		grew = false
		for i := range all {
			p := &all[i]
			if up := byID[p.parent]; p.of == nil && up != nil && up.of != nil && !spared[up.pid] {
				p.of, grew = up.of, true
			}
		}
	}
	return slices.DeleteFunc(all, func(p process) bool { return p.of == nil || spared[p.pid] }), nil
}
