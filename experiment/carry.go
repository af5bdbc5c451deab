package experiment

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/git"
)

// basePrefix has the baselines that a worker's repository was sent.
const basePrefix = "refs/reprodl/base/"

// PackPlan writes what another repository needs to execute a plan, as a git
// pack: the commit and its baseline, without the history of that. have are
// baselines that are there; of them only the differences are sent.
func (r *Repo) PackPlan(ctx context.Context, w io.Writer, p *Plan, have []string) error {
	mark, err := r.git.Ref(ctx, markRef(p.ID))
	if err != nil {
		return goneError(p)
	}
	var in strings.Builder
	fmt.Fprintf(&in, "--shallow %s\n%s\n", p.Baseline, mark)
	for _, id := range have {
		if _, err := git.ParseID(id); err != nil {
			continue
		}
		if kind, _, err := r.git.Size(ctx, git.ID(id)); err == nil && kind == git.CommitObj {
			fmt.Fprintf(&in, "^%s\n", id)
		}
	}
	return r.pack(ctx, w, in.String(), "--shallow")
}

// goneError says that there is nothing to do, as the mark is gone.
func goneError(p *Plan) error {
	return &messageError{fmt.Sprintf("what task %s shall run is gone: its reference %s was deleted", p.ID, markRef(p.ID)), ErrNotFound}
}

func (r *Repo) pack(ctx context.Context, w io.Writer, revs string, more ...string) error {
	args := append([]string{"pack-objects", "--quiet", "--revs", "--thin", "--delta-base-offset", "--stdout"}, more...)
	out, err := r.git.Do(ctx, git.Cmd{Args: args, Stdin: strings.NewReader(revs)})
	if err == nil {
		_, err = w.Write(out)
	}
	return err
}

// looseLimit is up to how many objects of a pack become files of their own, as
// in git's transfer.unpackLimit.
const looseLimit = 100

// unpack takes in the objects of a pack. A new repository has no object that
// git would have to look for.
func (r *Repo) unpack(ctx context.Context, pack []byte, strict bool) error {
	if len(pack) < 12 || string(pack[:4]) != "PACK" {
		return errors.New("what was sent is not a git pack")
	}
	args := []string{"unpack-objects", "-q"}
	if binary.BigEndian.Uint32(pack[8:]) > looseLimit {
		args = []string{"index-pack", "--stdin", "--fix-thin"}
	}
	if strict {
		args = append(args, "--strict")
	}
	_, err := r.git.Do(ctx, git.Cmd{Args: args, Stdin: bytes.NewReader(pack)})
	return err
}

// NewWorkTree makes dir a repository that can execute plans of another one, if
// it is none yet. sub is where the DVC repository lies in that, as [Repo.Sub]
// says.
func NewWorkTree(ctx context.Context, dir, sub string) error {
	if !filepath.IsLocal(filepath.FromSlash(sub)) {
		return fmt.Errorf("%q is not a directory within a repository", sub)
	}
	if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(sub), ".dvc", "tmp"), 0o777); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, ".git", "HEAD")); err == nil {
		return nil
	}
	out, err := exec.CommandContext(ctx, "git", "init", "--quiet", "--initial-branch=worker", dir).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return git.ErrMissing
	}
	if err != nil {
		return fmt.Errorf("git init %s: %w: %s", dir, err, bytes.TrimSpace(out))
	}
	return nil
}

// Sub is where the DVC repository lies in the git repository, with slashes; "."
// is its top.
func (r *Repo) Sub() string { return r.sub }

// Bases lists the baselines that were received by [Repo.AcceptPlan].
func (r *Repo) Bases(ctx context.Context) ([]string, error) {
	refs, err := r.git.Refs(ctx, basePrefix)
	var list []string
	for _, g := range refs {
		list = append(list, string(g.ID))
	}
	return list, err
}

// AcceptPlan takes in the pack that PackPlan made, unless [Repo.Prepare] did and it is
// nil, and marks the plan here.
func (r *Repo) AcceptPlan(ctx context.Context, p *Plan, pack []byte) error {
	if pack != nil {
		if err := r.receive(ctx, p, pack); err != nil {
			return err
		}
	}
	// Settings that the commit has, such as the remote, count for this tree too.
	if data, err := r.planConfig(ctx, p); err != nil {
		return err
	} else if data != nil {
		if _, err := atomicfile.WriteFileIfChanged(r.configFile(), data, nil); err != nil {
			return err
		}
	}
	updates := []git.Update{{Name: basePrefix + p.Baseline, New: git.ID(p.Baseline)}}
	// An attempt that was cut off before its result was sent need not be repeated.
	if _, err := r.executed(ctx, p); err != nil {
		updates = append(updates, git.Update{Name: markRef(p.ID), New: git.ID(p.Commit)})
	}
	return r.git.UpdateRefs(ctx, updates...)
}

// receive takes in the objects of a plan.
func (r *Repo) receive(ctx context.Context, p *Plan, pack []byte) error {
	for _, id := range []string{p.Baseline, p.Commit} {
		if _, err := git.ParseID(id); err != nil {
			return err
		}
	}
	if err := r.cutHistory(p.Baseline); err != nil {
		return err
	}
	return r.unpack(ctx, pack, false)
}

func (r *Repo) configFile() string { return filepath.Join(r.root, ".dvc", "config") }

// planConfig is the .dvc/config of a plan; nil if it has none.
func (r *Repo) planConfig(ctx context.Context, p *Plan) ([]byte, error) {
	c, err := r.git.Commit(ctx, git.ID(p.Commit))
	if err != nil {
		return nil, err
	}
	e, err := r.git.Lookup(ctx, c.Tree, filepath.ToSlash(filepath.Join(r.sub, ".dvc", "config")))
	if err != nil {
		return nil, nil
	}
	_, data, err := r.git.Object(ctx, e.ID)
	return data, err
}

// cutHistory makes git take a baseline for the first commit.
func (r *Repo) cutHistory(base string) error {
	file := filepath.Join(r.git.CommonDir(), "shallow")
	data, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	list := strings.Fields(string(data))
	if slices.Contains(list, base) {
		return nil
	}
	return atomicfile.WriteFile(file, []byte(strings.Join(append(list, base), "\n")+"\n"), nil)
}

// Authors returns the environment under which git names the author of a plan as
// the author of what it yields.
func (r *Repo) Authors(ctx context.Context, p *Plan) ([]string, error) {
	c, err := r.git.Commit(ctx, git.ID(p.Commit))
	if err != nil {
		return nil, err
	}
	return []string{"GIT_AUTHOR_NAME=" + c.Author.Name, "GIT_AUTHOR_EMAIL=" + c.Author.Email,
		"GIT_COMMITTER_NAME=" + c.Committer.Name, "GIT_COMMITTER_EMAIL=" + c.Committer.Email}, nil
}

// Result is an experiment on its way to another repository.
type Result struct {
	Commit string
	Record string // blob with its provenance
	Pack   []byte // git pack with what the plan's commit does not have
}

// PackResult makes a Result of what a plan yielded here.
func (r *Repo) PackResult(ctx context.Context, p *Plan, e *Experiment) (*Result, error) {
	if p.Options.Stage != nil {
		var b bytes.Buffer
		err := r.pack(ctx, &b, fmt.Sprintf("%s\n^%s\n", e.Rev, p.Baseline))
		return &Result{Commit: e.Rev, Pack: b.Bytes()}, err
	}
	record, err := r.git.Ref(ctx, recordRef(ref{Baseline: git.ID(e.Baseline), Name: e.Name, ID: git.ID(e.Rev)}))
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = r.pack(ctx, &b, fmt.Sprintf("%s\n%s\n^%s\n^%s\n", e.Rev, record, p.Baseline, p.Commit))
	return &Result{e.Rev, string(record), b.Bytes()}, err
}

// Drop forgets what came of a plan here, once it is recorded elsewhere.
func (r *Repo) Drop(ctx context.Context, p *Plan) error {
	if p.Options.Stage != nil {
		return r.Discard(ctx, p.ID)
	}
	updates := []git.Update{{Name: markRef(p.ID)}}
	f := ref{Baseline: git.ID(p.Baseline), Name: p.Name}
	if id, ok := r.exists(ctx, f); ok {
		f.ID = id
		updates = append(updates, git.Update{Name: f.String()}, git.Update{Name: recordRef(f)})
	}
	return r.git.UpdateRefs(ctx, updates...)
}

// Record takes in what a plan yielded elsewhere and replaces the mark by the
// experiment, in one step. Of several results of a plan the first counts: the
// others return its experiment. If the name was taken by another experiment
// meanwhile, the plan's id is appended to it.
func (r *Repo) Record(ctx context.Context, p *Plan, res *Result) (*Experiment, error) {
	mark, err := r.git.Ref(ctx, markRef(p.ID))
	if err != nil {
		return r.Recorded(ctx, p)
	}
	if p.Options.Stage != nil {
		return r.recordStage(ctx, p, mark, res)
	}
	for _, id := range []string{res.Commit, res.Record} {
		if _, err := git.ParseID(id); err != nil {
			return nil, err
		}
	}
	if err := r.unpack(ctx, res.Pack, true); err != nil {
		return nil, err
	}
	f := ref{Baseline: git.ID(p.Baseline), Name: p.Name, ID: git.ID(res.Commit)}
	if err := r.checkResult(ctx, f); err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		err := r.publishResult(ctx, f, git.Update{Name: markRef(p.ID), Old: mark}, git.ID(res.Record), p.Options.Force)
		if err == nil {
			return r.experiment(ctx, f)
		}
		if e, err := r.Recorded(context.WithoutCancel(ctx), p); err == nil {
			return e, nil
		}
		if !errors.Is(err, ErrExist) || try > 0 {
			return nil, err
		}
		f.Name = otherName(p)
	}
}

// otherName is what an experiment is called whose name was taken while it ran.
func otherName(p *Plan) string { return p.Name + "-" + p.ID[:min(8, len(p.ID))] }

// Recorded finds the experiment of a plan that was executed, here or elsewhere;
// the error wraps [ErrNotFound] if there is none.
func (r *Repo) Recorded(ctx context.Context, p *Plan) (*Experiment, error) {
	e, err := r.executed(ctx, p)
	if err != nil {
		other := *p
		other.Name = otherName(p)
		if e, err := r.executed(ctx, &other); err == nil {
			return e, nil
		}
	}
	return e, err
}

// checkResult makes sure that a commit is the child of the baseline, and that
// nothing it needs is missing.
func (r *Repo) checkResult(ctx context.Context, f ref) error {
	c, err := r.git.Commit(ctx, f.ID)
	if err != nil {
		return err
	}
	if len(c.Parents) != 1 || c.Parents[0] != f.Baseline {
		return fmt.Errorf("the result %s does not descend from %s", f.ID.Short(), f.Baseline.Short())
	}
	if err := r.checkTree(ctx, c.Tree); err != nil {
		return err
	}
	_, err = r.git.Run(ctx, "rev-list", "--objects", "--quiet", string(f.ID), "--not", string(f.Baseline))
	return err
}

func (r *Repo) publishResult(ctx context.Context, f ref, done git.Update, record git.ID, force bool) error {
	kind, _, err := r.git.Size(ctx, record)
	if err != nil || kind != git.Blob {
		return errors.Join(errors.New("the record of the result is missing"), err)
	}
	extra := []git.Update{done, {Name: recordRef(f), New: record}}
	if old, ok := r.exists(ctx, f); ok && old != f.ID {
		was := ref{Baseline: f.Baseline, Name: f.Name, ID: old}
		if rec, err := r.git.Ref(ctx, recordRef(was)); err == nil {
			extra = append(extra, git.Update{Name: recordRef(was), Old: rec})
		}
	}
	return r.publish(ctx, f, force, extra)
}
