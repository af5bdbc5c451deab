package experiment

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/internal/git"
)

// remoteRefs lists the experiments of a git remote, by name or URL.
func (r *Repo) remoteRefs(ctx context.Context, remote string) ([]ref, error) {
	if err := r.checkGitRemote(ctx, remote); err != nil {
		return nil, err
	}
	out, err := r.git.Run(ctx, "ls-remote", "--", remote, refPrefix+"*")
	if err != nil {
		return nil, err
	}
	var refs []ref
	for line := range strings.Lines(string(out)) {
		id, name, _ := strings.Cut(strings.TrimSpace(line), "\t")
		f, ok := parseRef(name)
		// What a remote sends is not trusted: a name becomes part of a refspec.
		if oid, err := git.ParseID(id); ok && err == nil && checkName(f.Name) == nil {
			f.ID = oid
			refs = append(refs, f)
		}
	}
	return refs, nil
}

// checkRemote refuses what git would take for an option or cannot be passed on.
func checkRemote(remote string) error {
	if remote == "" || strings.HasPrefix(remote, "-") || strings.ContainsAny(remote, "\n\x00") {
		return invalidRemoteError(remote)
	}
	return nil
}

func invalidRemoteError(remote string) error {
	return fmt.Errorf("'%s' is not a valid Git remote or URL", remote)
}

// ListRemote is [Repo.List] for a git remote; only Name and Baseline are set.
func (r *Repo) ListRemote(ctx context.Context, remote string, s *Selection) ([]Experiment, error) {
	refs, err := r.remoteSelected(ctx, remote, remote, s)
	if err != nil {
		return nil, err
	}
	list := make([]Experiment, len(refs))
	for i, f := range refs {
		list[i] = Experiment{Name: f.Name, Baseline: string(f.Baseline)}
	}
	return list, nil
}

// remoteSelected lists the named experiments of a remote, all of which must
// exist, or else those of the selection. Baselines are resolved here, not there.
// An unknown name is said not to be in a place, if in names one.
func (r *Repo) remoteSelected(ctx context.Context, remote, in string, s *Selection, names ...string) ([]ref, error) {
	refs, err := r.remoteRefs(ctx, remote)
	if err != nil {
		return nil, err
	}
	// Names are looked up among all experiments of the remote, whatever s says.
	if len(names) > 0 {
		var found []ref
		var unknown []string
		for _, name := range names {
			f, err := r.pick(ctx, refs, name)
			switch {
			case err == nil:
				found = append(found, f)
			case isNotFound(err):
				unknown = append(unknown, name)
			default:
				return nil, err
			}
		}
		if len(unknown) > 0 {
			return nil, unknownError(in, unknown...)
		}
		return found, nil
	}
	return r.ofSelection(ctx, refs, s)
}

// Sync is what Push and Pull did with each experiment, by name.
type Sync struct {
	Done     []string // transferred
	UpToDate []string
	Diverged []string // the other side has another experiment of that name
}

// add sorts an experiment in by what the other side has under its name.
func (s *Sync) add(f ref, there git.ID, known, force bool) (transfer bool) {
	switch {
	case known && there == f.ID:
		s.UpToDate = append(s.UpToDate, f.Name)
	case known && !force:
		s.Diverged = append(s.Diverged, f.Name)
	default:
		s.Done = append(s.Done, f.Name)
		return true
	}
	return false
}

// SyncOptions choose what Push and Pull transfer. Nil means the zero
// SyncOptions: the experiments of HEAD.
type SyncOptions struct {
	Selection
	Names []string // instead of a selection
	Force bool     // replace experiments of the other side
}

// PushRefs sends experiments, with the records of their provenance, to a git
// remote. The data that they refer to is not sent.
func (r *Repo) PushRefs(ctx context.Context, remote string, opts *SyncOptions) (*Sync, []Experiment, error) {
	if opts == nil {
		opts = &SyncOptions{}
	}
	refs, err := r.chosen(ctx, opts)
	if err != nil {
		return nil, nil, err
	}
	// No pre-push hook runs: what is pushed is no branch.
	args := []string{"push", "--quiet", "--no-verify"}
	if opts.Force {
		args = append(args, "--force")
	}
	args = append(args, "--", remote)
	s, err := r.exchange(ctx, args, func() (*Sync, []string, error) { return r.toPush(ctx, remote, refs, opts.Force) })
	if err != nil {
		return nil, nil, err
	}
	return s, r.synced(refs, s), nil
}

// exchange calls git with args and the refspecs of what is missing on the other side.
func (r *Repo) exchange(ctx context.Context, args []string, missing func() (*Sync, []string, error)) (*Sync, error) {
	s, specs, err := missing()
	if err != nil {
		return nil, err
	}
	for len(specs) > 0 {
		_, err := r.git.Run(ctx, append(slices.Clip(args), specs...)...)
		if err == nil {
			break
		}
		// Somebody else may have brought them meanwhile: the git of a run that was
		// killed, say. What is still missing is tried again.
		now, left, lookErr := missing()
		if lookErr != nil || len(left) >= len(specs) || len(now.Diverged) > len(s.Diverged) {
			return nil, err
		}
		specs = left
	}
	return s, nil
}

// toPush compares experiments with those of a remote, and returns the refspecs of what it lacks.
func (r *Repo) toPush(ctx context.Context, remote string, refs []ref, force bool) (s *Sync, specs []string, err error) {
	there, err := r.remoteRefs(ctx, remote)
	if err != nil {
		return nil, nil, err
	}
	s = &Sync{}
	for _, f := range refs {
		id, known := idOf(there, f)
		if s.add(f, id, known, force) {
			specs = append(specs, string(f.ID)+":"+f.String())
		}
	}
	return s, append(specs, r.recordsToPush(ctx, remote, r.synced(refs, s))...), nil
}

// PullRefs fetches experiments, with the records of their provenance, from a
// git remote. The data that they refer to is not fetched.
func (r *Repo) PullRefs(ctx context.Context, remote string, opts *SyncOptions) (*Sync, []Experiment, error) {
	if opts == nil {
		opts = &SyncOptions{}
	}
	refs, err := r.remoteSelected(ctx, remote, "", &opts.Selection, opts.Names...)
	if err != nil {
		return nil, nil, err
	}
	args := []string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--", remote}
	s, err := r.exchange(ctx, args, func() (*Sync, []string, error) { return r.toPull(ctx, remote, refs, opts.Force) })
	if err != nil {
		return nil, nil, err
	}
	return s, r.synced(refs, s), nil
}

// toPull compares experiments of a remote with those here, and returns the refspecs of
// what is missing here.
func (r *Repo) toPull(ctx context.Context, remote string, refs []ref, force bool) (s *Sync, specs []string, err error) {
	have, err := r.refs(ctx)
	if err != nil {
		return nil, nil, err
	}
	s = &Sync{}
	for _, f := range refs {
		id, known := idOf(have, f)
		if s.add(f, id, known, force) {
			// The plus is safe: add has let through only what is new, or forced.
			specs = append(specs, "+"+f.String()+":"+f.String())
		}
	}
	records, err := r.recordsToPull(ctx, remote, r.synced(refs, s))
	return s, append(specs, records...), err
}

// chosen lists the experiments to push: the named ones, or the selection.
func (r *Repo) chosen(ctx context.Context, opts *SyncOptions) ([]ref, error) {
	if len(opts.Names) == 0 {
		return r.selected(ctx, &opts.Selection)
	}
	refs, err := r.refs(ctx)
	if err != nil {
		return nil, err
	}
	var list []ref
	var unknown []string
	for _, name := range opts.Names {
		f, err := r.pick(ctx, refs, name)
		switch {
		case err == nil:
			list = append(list, f)
		case isNotFound(err):
			unknown = append(unknown, name)
		default:
			return nil, err
		}
	}
	if len(unknown) > 0 {
		return nil, unknownError("", unknown...)
	}
	return list, nil
}

// idOf is the commit that refs has for the baseline and name of f.
func idOf(refs []ref, f ref) (git.ID, bool) {
	for _, g := range refs {
		if g.Baseline == f.Baseline && g.Name == f.Name {
			return g.ID, true
		}
	}
	return "", false
}

// synced lists the experiments that both sides now have.
func (r *Repo) synced(refs []ref, s *Sync) []Experiment {
	var list []Experiment
	for _, f := range refs {
		if slices.Contains(s.Done, f.Name) || slices.Contains(s.UpToDate, f.Name) {
			list = append(list, Experiment{Name: f.Name, Rev: string(f.ID), Baseline: string(f.Baseline)})
		}
	}
	return list
}

// RemoveRemoteOptions choose what RemoveRemote deletes. Nil means the zero
// RemoveRemoteOptions: the experiments of HEAD.
type RemoveRemoteOptions struct {
	Selection
	Names []string // instead of a selection
	Keep  bool     // delete all others
}

// RemoveRemote deletes experiments, with the records of their provenance, from a
// git remote, and returns their names.
func (r *Repo) RemoveRemote(ctx context.Context, remote string, opts *RemoveRemoteOptions) ([]string, error) {
	if opts == nil {
		opts = &RemoveRemoteOptions{}
	}
	refs, err := r.remoteSelected(ctx, remote, remote, &opts.Selection, opts.Names...)
	if err != nil {
		return nil, err
	}
	if opts.Keep {
		all, err := r.remoteRefs(ctx, remote)
		if err != nil {
			return nil, err
		}
		refs = slices.DeleteFunc(all, func(f ref) bool { return slices.Contains(refs, f) })
	}
	if len(refs) == 0 {
		return nil, nil
	}
	records, err := r.remoteRecords(ctx, remote)
	if err != nil {
		return nil, err
	}
	args := []string{"push", "--quiet", "--no-verify", "--", remote}
	for _, f := range refs {
		// An empty source deletes the reference over there.
		args = append(args, ":"+f.String())
		if records[recordRef(f)] != "" {
			args = append(args, ":"+recordRef(f))
		}
	}
	_, err = r.git.Run(ctx, args...)
	return namesOf(refs), err
}

// RenameRemote renames an experiment of a git remote, and the record of its
// provenance, in one step. The error wraps [ErrExist] if another experiment has
// the name.
func (r *Repo) RenameRemote(ctx context.Context, remote, old, name string, opts *RenameOptions) error {
	refs, err := r.remoteSelected(ctx, remote, remote, nil, old)
	if err != nil {
		return err
	}
	if err := checkName(name); err != nil {
		return err
	}
	f := refs[0]
	// The baseline stays: a name is unique below its baseline only.
	to := ref{Baseline: f.Baseline, Name: name, ID: f.ID}
	all, err := r.remoteRefs(ctx, remote)
	if err != nil {
		return err
	}
	// Looked up in advance, for DVC's words; the push below is forced.
	replaced, taken := idOf(all, to)
	if taken && (opts == nil || !opts.Force) {
		return existsError(name)
	}
	records, err := r.remoteRecords(ctx, remote)
	if err != nil {
		return err
	}
	moves := []string{string(f.ID) + ":" + to.String(), ":" + f.String()}
	needed := map[git.ID]string{f.ID: f.String()} // a push needs the objects
	if rec := records[recordRef(f)]; rec != "" {
		moves = append(moves, string(rec)+":"+recordRef(to), ":"+recordRef(f))
		needed[rec] = recordRef(f)
	}
	// That of an experiment which is replaced goes.
	if taken && replaced != f.ID {
		if was := recordRef(ref{Baseline: f.Baseline, Name: name, ID: replaced}); records[was] != "" {
			moves = append(moves, ":"+was)
		}
	}
	for id, name := range needed {
		if _, _, err := r.git.Size(ctx, id); err == nil {
			continue
		}
		if _, err := r.git.Run(ctx, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", remote, name); err != nil {
			return err
		}
	}
	_, err = r.git.Run(ctx, append([]string{"push", "--quiet", "--no-verify", "--atomic", "--force", "--", remote}, moves...)...)
	return err
}
