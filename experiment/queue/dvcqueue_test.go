package queue_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment/compare"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
	"github.com/reprodl/reprodl/experiment/queue"
)

// celery writes the files of a task of DVC's queue as DVC 3.67.1 and Celery 5
// do: taken by a worker or not, with the status of its result or none.
func celery(p *exptest.Project, name, dir, status, result string) (rev string) {
	base := p.Git("rev-parse", "HEAD")
	rev = p.Git("commit-tree", "-p", base, "-m", "dvc-exp:"+base+":"+base+":"+name, "HEAD^{tree}")
	body := fmt.Sprintf(`[[{"dvc_root": %[1]q, "scm_root": %[1]q, "stash_ref": "refs/exps/celery/stash", "stash_rev": %[2]q, "baseline_rev": %[3]q, `+
		`"branch": null, "name": %[4]q, "head_rev": %[3]q}], {"copy_paths": [], "message": null}, {"callbacks": null}]`, p.Dir, rev, base, name)
	p.Write(".dvc/tmp/exps/celery/broker/"+dir+"/1_"+name+".celery.msg", fmt.Sprintf(
		`{"body": %q, "content-encoding": "utf-8", "headers": {"lang": "py", "task": "dvc.repo.experiments.queue.tasks.run_exp", "id": "id-%s"}}`,
		base64.StdEncoding.EncodeToString([]byte(body)), name))
	if dir == "in" {
		return rev
	}
	run := ".dvc/tmp/exps/run/" + rev + "/" + rev
	p.Write(run+".out", "log of "+name+"\n")
	code := "null"
	if status != "" {
		p.Write(".dvc/tmp/exps/celery/result/celery-task-meta-id-"+name, fmt.Sprintf(`{"status": %q, "result": null}`, status))
		code = "255"
	}
	p.Write(run+".json", fmt.Sprintf(`{"pid": 77, "stdin": null, "stdout": %q, "stderr": null, "returncode": %s}`, filepath.Join(p.Dir, run+".out"), code))
	p.Write(run+".run", fmt.Sprintf(`{"root_dir": %q, "location": "dvc-task", "name": %q, "result_hash": %s, "result_ref": %[3]s}`, p.Dir, name, result))
	return rev
}

func TestTasksOfDVCsOwnQueueAreSeen(t *testing.T) {
	p := exptest.New(t, nil)
	celery(p, "waits", "in", "", "null")
	celery(p, "runs", "processed", "", "null")
	failed := celery(p, "fails", "processed", "SUCCESS", "null") // Celery's word for a task that ended
	celery(p, "done", "processed", "SUCCESS", `"refs/exps/aa/bb/done"`)
	p.Write(".dvc/tmp/exps/celery/broker/in/2_pidbox.celery.msg", `{"headers": {"task": "dvc.other"}, "body": "e30="}`)
	p.Write(".dvc/tmp/exps/celery/broker/in/3_short.celery.msg", `{"hea`)
	q := queue.Open(p.Open(), nil)
	ctx := t.Context()

	tasks, err := q.All(ctx)
	require.NoError(t, err)
	got := map[string]queue.TaskState{}
	for _, task := range tasks {
		got[task.Name] = task.State
	}
	assert.Equal(t, map[string]queue.TaskState{"waits": queue.Queued, "runs": queue.Running, "fails": queue.Failed, "done": queue.Success}, got)

	states, err := compare.Show(ctx, p.Open(), &compare.ShowOptions{Activities: q.Activities})
	require.NoError(t, err)
	var names []string
	for _, x := range states[1].Experiments {
		names = append(names, x.Name+" "+x.Executor.State)
	}
	assert.Equal(t, []string{"runs running", "waits queued", "fails failed"}, names, "DVC's order")
	assert.Contains(t, string(compare.AppendJSON(nil, states)), `"pid": 77, "returncode": 255, "task_id": "`+failed+`"}`)

	var log bytes.Buffer
	require.NoError(t, q.Log(ctx, "fails", &log, nil))
	assert.Equal(t, "log of fails\n", log.String())
	assert.ErrorContains(t, q.Log(ctx, "waits", &log, nil), "is in queue but has not been started")
	_, err = q.Remove(ctx, &queue.TaskFilter{Failed: true, Queued: true, Success: true})
	require.NoError(t, err)
	_, err = q.Remove(ctx, &queue.TaskFilter{Names: []string{"waits"}})
	assert.EqualError(t, err, "'waits' is in DVC's own queue, which DVC runs, stops and removes from; use dvc queue")
	assert.ErrorContains(t, q.Kill(ctx, nil, "runs"), "'runs' is in DVC's own queue")
	_, err = q.Remove(ctx, &queue.TaskFilter{Names: []string{"nosuch"}})
	assert.EqualError(t, err, "'nosuch' is not a valid experiment name")
	assert.EqualError(t, q.Kill(ctx, nil, "a", "b"), "'a; b' are not valid running experiment names")
	assert.FileExists(t, filepath.Join(p.Dir, ".dvc/tmp/exps/run", failed, failed+".out"), "DVC's are left to DVC")
}
