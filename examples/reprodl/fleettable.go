package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/experiment/queue/hub"
)

func (a *app) queueWorkersCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "workers",
		Short: "Show the workers on other machines (not in dvc)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withHub(cmd.Context(), func(c *hub.Conn) error {
				workers, err := c.Workers(cmd.Context())
				if err != nil {
					return err
				}
				tasks, err := c.List(cmd.Context(), queue.Running)
				if err != nil {
					return err
				}
				var rows [][]string
				for _, w := range workers {
					var runs []string
					for _, t := range tasks {
						if t.Lease.Worker == w.Name || strings.HasPrefix(t.Lease.Worker, w.Name+"/") {
							runs = append(runs, t.Name)
						}
					}
					rows = append(rows, []string{w.Name, w.Host, w.OS, fmt.Sprint(w.Jobs), w.Offer.String(), cmp.Or(strings.Join(runs, ", "), "idle")})
				}
				a.printf("%s", plainTable([]string{"Worker", "Host", "System", "Jobs", "Each", "Runs"}, rows))
				return nil
			})
		},
	}
}

// fleetTable is the table of tasks with who runs them, at which attempt, and
// why those that wait do.
func fleetTable(tasks []queue.Task, workers []hub.WorkerInfo) string {
	if len(tasks) == 0 {
		return taskTable(tasks)
	}
	headers, rows := taskRows(tasks)
	for i := range rows {
		t := rows[i].task
		worker := ""
		if t.State != queue.Queued {
			worker = t.Lease.Worker
			if t.Lease.Host != "" && t.Lease.Host != worker {
				worker += "@" + t.Lease.Host
			}
		}
		rows[i].cells = append(rows[i].cells, worker, fmt.Sprint(t.Attempts), whyWaits(t, workers))
	}
	return plainTable(append(headers, "Worker", "Attempt", "Why"), cells(rows))
}

// whyWaits is what a task waits for, or why it failed.
func whyWaits(t *queue.Task, workers []hub.WorkerInfo) string {
	why := ""
	switch {
	case t.State == queue.Failed || t.State == queue.Queued && t.Error != "":
		why, _, _ = strings.Cut(t.Error, "\n")
	case t.State != queue.Queued:
	case len(workers) == 0:
		why = "no worker"
	default:
		for _, w := range workers {
			lacks := t.Options.Resources.Lacks(w.Offer)
			switch {
			case lacks != "":
				why = "no worker offers " + lacks
			case t.Options.Build != "" && t.Options.Build != w.Build:
				why = "no worker is of the build that queued it"
			default:
				return "all workers are busy"
			}
		}
	}
	return why
}
