package mlflow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Pauses after a failure: they double from the least to the most.
const (
	leastPause = time.Second
	mostPause  = time.Minute
)

// send is the sender's goroutine: it sends what is in the spool, sleeps until
// there is more, and after a failure for a while. The run of this process comes
// first; what others left is sent while there is nothing else to do.
func (s *Sink) send(ctx context.Context) {
	defer close(s.done)
	d := delivery{client: s.client, run: s.run}
	orphans := false
	for pause := time.Duration(0); ; {
		err := d.send(ctx)
		if err == nil && !orphans && !d.ended {
			var refused error
			refused, err = sendOrphans(ctx, s.client, &s.opts)
			orphans = err == nil
			s.note(refused, nil)
		}
		s.note(d.refused, err)
		switch {
		case d.ended, ctx.Err() != nil:
			return
		case err == nil:
			pause = 0
		default:
			pause = min(max(leastPause, 2*pause), mostPause)
		}
		if !s.rest(ctx, pause) {
			return
		}
	}
}

// rest waits for new entries, after a failure at least for the pause. At the
// end of the run there is one more try at once.
func (s *Sink) rest(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for paused := pause > 0; ; {
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			if paused {
				return true
			}
		case <-s.wake:
			if !paused || s.isEnded() {
				return true
			}
		}
	}
}

func (s *Sink) isEnded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// note keeps the first refusal and the last failure, and tells of what is new.
func (s *Sink) note(refused, failed error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if refused != nil && s.refused == nil {
		s.refused = refused
		s.opts.Logger.Error("mlflow: the server refuses a part of the run", "err", refused)
	}
	switch {
	case failed != nil && s.failed == nil:
		s.opts.Logger.Warn("mlflow: cannot send for now; the run is kept on disk", "spool", s.run.dir, "err", failed)
	case failed == nil && s.failed != nil:
		s.opts.Logger.Info("mlflow: sending again")
	}
	s.failed = failed
}

// mostRefusals is how many entries are refused one by one before a run of which
// none was taken is given up.
const mostRefusals = 20

// delivery sends one spool.
type delivery struct {
	client  *client
	run     *spool
	refused error // the first entry that the server will never take
	ended   bool  // there is nothing more to come: the run's end has been sent, or it was rejected

	accepted bool // the server has taken something
	refusals int  // entries refused
}

// send sends what the spool holds. An error means that it may succeed later.
func (d *delivery) send(ctx context.Context) error {
	if d.ended {
		return nil
	}
	if d.run.runID() == "" && !d.run.left() {
		return nil // a run that logs nothing is none
	}
	if err := d.begin(ctx); err != nil || d.ended {
		return err
	}
	for {
		offset := d.run.current().Sent
		batch, next, err := d.run.next(offset)
		if err != nil || len(batch) == 0 {
			return err
		}
		if err := d.sendBatch(ctx, batch); err != nil || d.ended {
			return err
		}
		if batch[0].End != nil {
			d.ended = true
			return errors.Join(d.run.update(func(s *sendState) { s.Sent = next }), d.run.remove())
		}
		if err := d.run.update(func(s *sendState) { s.Sent = next }); err != nil {
			return err
		}
		d.removeCopies(batch)
	}
}

// begin makes the run on the server, or finds it.
func (d *delivery) begin(ctx context.Context) error {
	if d.run.runID() != "" {
		return nil
	}
	run, err := d.remote(ctx)
	if permanent(err) {
		return d.reject(err)
	}
	if err != nil {
		return err
	}
	return d.run.update(func(s *sendState) {
		s.RunID, s.ArtifactURI, s.Creating = run.Info.RunID, run.Info.ArtifactURI, false
	})
}

// reject gives the run up. Its spool stays where it is and is not tried again.
func (d *delivery) reject(reason error) error {
	d.ended = true
	d.refused = fmt.Errorf("mlflow: the server rejects the run, which stays in %s: %w", d.run.dir, reason)
	return d.run.update(func(s *sendState) { s.Rejected = reason.Error() })
}

// remote returns the run on the server. That one is about to be made is written
// down first: if the answer gets lost, the next try looks for it.
func (d *delivery) remote(ctx context.Context) (run remoteRun, err error) {
	info := d.run.info
	if info.RunID != "" {
		if run, err = d.client.getRun(ctx, info.RunID); err != nil {
			return run, err
		}
		return run, d.client.setStatus(ctx, info.RunID, statusRunning, 0)
	}
	experiment := info.ExperimentID
	if experiment == "" {
		name := info.Experiment
		if name == "" {
			name = "Default"
		}
		if experiment, err = d.client.experiment(ctx, name); err != nil {
			return run, err
		}
	}
	name := filepath.Base(d.run.dir)
	if d.run.current().Creating {
		if run, err = d.client.findRun(ctx, experiment, name); err != nil || run.Info.RunID != "" {
			return run, err
		}
	}
	if err := d.run.update(func(s *sendState) { s.Creating = true }); err != nil {
		return run, err
	}
	return d.client.createRun(ctx, experiment, name, info)
}

// sendBatch sends entries that fit one request. If the server refuses them for
// good, they are halved until it is known which one it is that it refuses.
// A run of which it takes nothing, as one that was deleted, is given up.
func (d *delivery) sendBatch(ctx context.Context, batch []entry) error {
	err := d.request(ctx, batch)
	switch {
	case err == nil:
		d.accepted = true
		return nil
	case !permanent(err):
		return err
	case hasCode(err, codeMissing), !d.accepted && d.refusals >= mostRefusals:
		return d.reject(err)
	case len(batch) == 1:
		if d.refused == nil {
			d.refused = fmt.Errorf("mlflow: %s is refused: %w", batch[0].describe(), err)
		}
		if batch[0].File == nil {
			d.refusals++
		}
		return nil
	}
	half := len(batch) / 2
	if err := d.sendBatch(ctx, batch[:half]); err != nil || d.ended {
		return err
	}
	return d.sendBatch(ctx, batch[half:])
}

func (d *delivery) request(ctx context.Context, batch []entry) error {
	state := d.run.current()
	switch first := batch[0]; {
	case first.End != nil:
		return d.client.setStatus(ctx, state.RunID, first.End.Status, first.End.Time)
	case first.File != nil:
		f, err := os.Open(d.run.copyPath(first.File.Copy))
		if errors.Is(err, fs.ErrNotExist) {
			return nil // sent, and removed, before the state was written
		}
		if err != nil {
			return err
		}
		defer f.Close()
		return d.client.upload(ctx, state.ArtifactURI, first.File.Path, f)
	}
	return d.client.logBatch(ctx, state.RunID, batch)
}

// removeCopies deletes what has been uploaded.
func (d *delivery) removeCopies(batch []entry) {
	for _, e := range batch {
		if e.File != nil {
			os.Remove(d.run.copyPath(e.File.Copy))
		}
	}
}

func (s *spool) copyPath(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// describe names an entry in a message.
func (e entry) describe() string {
	switch {
	case e.Metric != nil:
		return fmt.Sprintf("metric %s = %v at step %d", e.Metric.Key, float64(e.Metric.Value), e.Metric.Step)
	case e.Param != nil:
		return fmt.Sprintf("parameter %s = %.100q", e.Param.Key, e.Param.Value)
	case e.Tag != nil:
		return fmt.Sprintf("tag %s = %.100q", e.Tag.Key, e.Tag.Value)
	case e.File != nil:
		return "artifact " + e.File.Path
	}
	return "the end of the run"
}
