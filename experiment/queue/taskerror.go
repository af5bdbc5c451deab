package queue

import (
	"errors"
	"fmt"
)

// TaskError is a task that failed.
type TaskError struct {
	ID, Name string
	Err      error
}

// Error is the name of the experiment and the reason.
func (e *TaskError) Error() string { return fmt.Sprintf("experiment '%s': %v", e.Name, e.Err) }

// Unwrap returns the reason.
func (e *TaskError) Unwrap() error { return e.Err }

// err is what became of a task; nil unless it failed.
func (t *Task) err() *TaskError {
	if t.State != Failed {
		return nil
	}
	return &TaskError{t.ID, t.Name, errors.New(t.Error)}
}

// failures joins the errors of tasks.
func failures(tasks []Task) error {
	var errs []error
	for i := range tasks {
		if err := tasks[i].err(); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
