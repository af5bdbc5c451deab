package experiment

import (
	"context"
	"strings"

	"github.com/reprodl/reprodl/internal/git"
)

// remoteRecords are the references of a remote to records of provenance.
func (r *Repo) remoteRecords(ctx context.Context, remote string) (map[string]git.ID, error) {
	out, err := r.git.Run(ctx, "ls-remote", "--", remote, "refs/reprodl/provenance/*")
	if err != nil {
		return nil, err
	}
	records := map[string]git.ID{}
	for line := range strings.Lines(string(out)) {
		id, name, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if oid, err := git.ParseID(id); err == nil {
			records[name] = oid
		}
	}
	return records, nil
}

// recordsToPush are the refspecs of records that a remote lacks. A push that was
// killed may have left an experiment there without its own.
func (r *Repo) recordsToPush(ctx context.Context, remote string, exps []Experiment) (specs []string) {
	var there map[string]git.ID
	for _, e := range exps {
		name := recordRef(ref{Baseline: git.ID(e.Baseline), Name: e.Name, ID: git.ID(e.Rev)})
		rec, err := r.git.Ref(ctx, name)
		if err != nil {
			continue
		}
		if there == nil {
			if there, err = r.remoteRecords(ctx, remote); err != nil {
				there = map[string]git.ID{} // the push will tell
			}
		}
		if there[name] != rec {
			// A record belongs to its commit; it is replaced without asking.
			specs = append(specs, "+"+string(rec)+":"+name)
		}
	}
	return specs
}

// recordsToPull are the refspecs of records that are not here and that the remote has,
// also of experiments that a killed pull has brought before; those saved by DVC have none.
func (r *Repo) recordsToPull(ctx context.Context, remote string, exps []Experiment) (specs []string, err error) {
	var names []string
	for _, e := range exps {
		name := recordRef(ref{Baseline: git.ID(e.Baseline), Name: e.Name, ID: git.ID(e.Rev)})
		if _, err := r.git.Ref(ctx, name); err != nil {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	there, err := r.remoteRecords(ctx, remote)
	for _, name := range names {
		if there[name] != "" {
			specs = append(specs, "+"+name+":"+name)
		}
	}
	return specs, err
}
