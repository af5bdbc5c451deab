package slurm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// job is an element of one of our arrays, as squeue tells of it.
type job struct {
	ID     string // 123_4
	Batch  string
	Index  int
	State  string // PENDING, RUNNING, …
	Reason string // why it waits
	Node   string
}

// command runs one of Slurm's programs.
func (c *Cluster) command(ctx context.Context, stdin, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Dir = c.env, c.repo.Root()
	if path := c.look(name); path != "" {
		cmd.Path, cmd.Err = path, nil
	}
	var out, msg bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &msg
	err := cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("%s was not found in PATH: this is not a node of a Slurm cluster", name)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(msg.String()))
	}
	return out.String(), nil
}

// live lists our jobs that Slurm still has to do with.
func (c *Cluster) live(ctx context.Context) ([]job, error) {
	// -r: one line for each element, also of those that wait.
	out, err := c.command(ctx, "", "squeue", "--noheader", "--array", "--me", "--format=%i|%j|%T|%R|%N")
	if err != nil {
		return nil, err
	}
	var list []job
	for line := range strings.Lines(out) {
		f := strings.SplitN(strings.TrimSpace(line), "|", 5)
		if len(f) < 5 {
			continue
		}
		batch, ok := strings.CutPrefix(f[1], c.prefix())
		_, index, array := strings.Cut(f[0], "_")
		n, err := strconv.Atoi(index)
		if !ok || !array || err != nil {
			continue // somebody else's
		}
		switch f[2] {
		case "COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE":
			continue // over; Slurm shows it for a while
		}
		list = append(list, job{ID: f[0], Batch: batch, Index: n, State: f[2], Reason: strings.Trim(f[3], "()"), Node: f[4]})
	}
	return list, nil
}

// byTask maps the ids of tasks to the jobs that will run, or run, them.
func (c *Cluster) byTask(ctx context.Context) (map[string]job, error) {
	jobs, err := c.live(ctx)
	if err != nil {
		return nil, err
	}
	batches := map[string]*batch{}
	tasks := map[string]job{}
	for _, j := range jobs {
		b, ok := batches[j.Batch]
		if !ok {
			if b, err = c.readBatch(j.Batch); err != nil {
				b = nil // the file was deleted: nobody knows what the job is for
			}
			batches[j.Batch] = b
		}
		if b == nil {
			continue
		}
		for _, id := range b.of(j.Index) {
			tasks[id] = j
		}
	}
	return tasks, nil
}

// endTime is how long Slurm is given to end a job: twice its default of KillWait.
const endTime = time.Minute

// settled is byTask when no job is being ended any more. A task that was killed and is
// tried again would otherwise count as one that Slurm has, and be forgotten with it;
// given out at once it might run twice.
func (c *Cluster) settled(ctx context.Context) (map[string]job, error) {
	for end := time.Now().Add(endTime); ; {
		tasks, err := c.byTask(ctx)
		if err != nil {
			return nil, err
		}
		ending := false
		for id, j := range tasks {
			if j.State != "COMPLETING" {
				continue
			}
			// What was told is not tried again, so nobody waits for it.
			o := c.outcome(id)
			ending = ending || o.Result == "" && o.failure() == ""
		}
		if !ending || time.Now().After(end) {
			return tasks, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// maxArray is how many elements an array may have at this site.
func (c *Cluster) maxArray(ctx context.Context) int {
	out, err := c.command(ctx, "", "scontrol", "show", "config")
	if err == nil {
		for line := range strings.Lines(out) {
			key, value, _ := strings.Cut(line, "=")
			if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && strings.TrimSpace(key) == "MaxArraySize" && n > 1 {
				return n // indices are below it, and begin at 0
			}
		}
	}
	return 1001 // Slurm's default
}
