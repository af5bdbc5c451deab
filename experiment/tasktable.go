package experiment

import (
	"time"
)

// TaskTable lays tasks out as `dvc queue status` does.
func TaskTable(tasks []Task) string {
	if len(tasks) == 0 {
		return "No experiment tasks in the queue.\n"
	}
	var rows [][]string
	today := time.Now().Format(time.DateOnly)
	for _, state := range []TaskState{Running, Queued, Failed, Success} {
		for i := range tasks {
			t := &tasks[i]
			if t.State != state {
				continue
			}
			created := t.Created.Local().Format("Jan 02, 2006")
			if t.Created.Local().Format(time.DateOnly) == today {
				created = t.Created.Local().Format("03:04 PM")
			}
			rows = append(rows, []string{t.Commit[:7], t.Name, created, string(t.State)})
		}
	}
	return string(appendGrid(nil, []string{"Task", "Name", "Created", "Status"}, rows, false))
}
