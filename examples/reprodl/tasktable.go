package main

import (
	"time"

	"github.com/reprodl/reprodl/experiment/queue"
)

// taskTable lays tasks out as `dvc queue status` does.
func taskTable(tasks []queue.Task) string {
	if len(tasks) == 0 {
		return "No experiment tasks in the queue.\n"
	}
	headers, rows := taskRows(tasks)
	return plainTable(headers, cells(rows))
}

// taskRow is a task's line of the table.
type taskRow struct {
	task  *queue.Task
	cells []string
}

func cells(rows []taskRow) [][]string {
	var list [][]string
	for _, r := range rows {
		list = append(list, r.cells)
	}
	return list
}

func taskRows(tasks []queue.Task) (headers []string, rows []taskRow) {
	today := time.Now().Format(time.DateOnly)
	// By state, and in each in the order of the list.
	for _, state := range []queue.TaskState{queue.Running, queue.Queued, queue.Failed, queue.Success} {
		for i := range tasks {
			t := &tasks[i]
			if t.State != state {
				continue
			}
			created := t.Created.Local().Format("Jan 02, 2006")
			if t.Created.Local().Format(time.DateOnly) == today {
				created = t.Created.Local().Format("03:04 PM")
			}
			rows = append(rows, taskRow{t, []string{t.Commit[:7], t.Name, created, string(t.State)}})
		}
	}
	return []string{"Task", "Name", "Created", "Status"}, rows
}
