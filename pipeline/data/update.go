package data

import (
	"context"
	"fmt"

	"github.com/reprodl/reprodl/internal/origin"
	"github.com/reprodl/reprodl/internal/project"
	"github.com/reprodl/reprodl/internal/transfer"
)

// UpdateOptions change what Update does; nil means the zero UpdateOptions.
type UpdateOptions struct {
	// Rev is another revision of the repositories that imports come from. Empty =
	// the one that is recorded.
	Rev        string
	Recursive  bool   // a target may be a directory: all imports declared below it
	NoDownload bool   // record what the sources are, but fetch nothing
	ToRemote   bool   // send the data to a remote, and keep nothing of it here
	Remote     string // which, with ToRemote; empty = core.remote
	Jobs       int    // copies at a time; 0 = 4 per core

	// Progress hears how far the copies are, some times a second; nil = nobody.
	Progress func(Progress)
	// Ask reads a password that a remote asks for; nil = that is an error.
	Ask func(ctx context.Context, prompt string) (string, error)
}

// Update makes imports what their sources are by now. Those that have not changed
// are left alone. Targets are .dvc files, imported files, or directories. Data that
// was pushed to a worktree remote becomes what the newest versions there are.
func (r *Repo) Update(ctx context.Context, opts *UpdateOptions, targets ...string) error {
	if opts == nil {
		opts = new(UpdateOptions)
	}
	if opts.ToRemote && opts.NoDownload {
		return refuse("--to-remote can't be used with --no-download")
	}
	if opts.Remote != "" && !opts.ToRemote {
		return refuse("--remote can't be used without --to-remote")
	}
	unlock, err := r.p.Lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	defer r.p.SaveMemo()
	chosen, err := r.p.NewIndex().Granular(project.Scope{Recursive: opts.Recursive}, targets)
	if err != nil {
		return err
	}
	var others []*project.Stage
	seen := map[*project.Stage]bool{}
	for _, c := range chosen {
		if s := c.Stage; seen[s] {
			continue
		} else if seen[s] = true; !s.IsImport() {
			others = append(others, s)
		} else if err := r.update(ctx, s, opts); err != nil {
			return err
		}
	}
	return r.updateOthers(ctx, others, opts)
}

// updateOthers is about data that was not imported, which DVC updates only from a
// worktree remote.
func (r *Repo) updateOthers(ctx context.Context, stages []*project.Stage, opts *UpdateOptions) error {
	if len(stages) == 0 {
		return nil
	}
	for _, refused := range []struct {
		on   bool
		name string
	}{{opts.Rev != "", "--rev"}, {opts.NoDownload, "--no-download"}, {opts.ToRemote, "--to-remote"}} {
		if refused.on {
			return refuse("%s can't be used with worktree update", refused.name)
		}
	}
	return r.updateWorktree(ctx, stages, opts)
}

// update brings one import up to date and writes its file.
func (r *Repo) update(ctx context.Context, s *project.Stage, opts *UpdateOptions) error {
	release, err := r.p.Claim(ctx, s)
	if err != nil {
		return err
	}
	defer release()
	x := (&ImportOptions{Jobs: opts.Jobs, Progress: opts.Progress, Ask: opts.Ask}).transferOptions()
	if err := origin.Advance(ctx, s, opts.Rev); err != nil {
		return err
	}
	if sum := s.Dot.MD5; opts.ToRemote {
		err = r.updateRemote(ctx, s, opts, x)
		s.Dot.MD5 = sum // DVC forgets it here
	} else {
		err = r.updateHere(ctx, s, opts, x)
	}
	if err != nil {
		return err
	}
	return r.writeDot(s.Dot)
}

// updateRemote sends what the source is to a remote.
func (r *Repo) updateRemote(ctx context.Context, s *project.Stage, opts *UpdateOptions, x *transfer.Options) error {
	if s.IsRepoImport() {
		return refuse("Data imported from other DVC or Git repositories can't be updated with --to-remote")
	}
	to, err := r.openPlain(ctx, opts.Remote, x, "update")
	if err != nil {
		return err
	}
	return origin.Relay(ctx, s, to, x)
}

// updateHere fetches what the source is, if anything is not as it is recorded.
func (r *Repo) updateHere(ctx context.Context, s *project.Stage, opts *UpdateOptions, x *transfer.Options) error {
	changed, err := r.importChanged(ctx, s)
	if err != nil {
		return err
	}
	if !changed {
		r.p.Log.Info(fmt.Sprintf("'%s' didn't change, skipping", s.Addr))
		return nil
	}
	lines := &project.IgnoreLines{Repo: r.p}
	err = origin.Sync(ctx, s, lines, &origin.SyncOptions{NoDownload: opts.NoDownload, Transfer: x})
	if err != nil {
		lines.Undo()
		return err
	}
	if opts.NoDownload {
		// As in DVC the file's own checksum is that with the output it had.
		s.Dot.Outs[0].Entry.Forget()
	}
	return nil
}

// importChanged reports an import whose file, source or output is not what is
// recorded.
func (r *Repo) importChanged(ctx context.Context, s *project.Stage) (bool, error) {
	if changed, err := s.SumChanged(); changed || err != nil {
		return changed, err
	}
	if v, err := r.p.CompareDep(ctx, s.Deps[0]); v != project.Same || err != nil {
		return true, err
	}
	v, err := r.p.CompareOut(ctx, s.Outs[0])
	return v != project.Same, err
}
