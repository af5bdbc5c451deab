package queue

import (
	"context"
	"log/slog"
)

// NewFileStore is the store that Open has, in a file of the test's choice.
func NewFileStore(file string, marks func(context.Context) ([]Task, error)) Store {
	return newFileStore(file, marks, slog.New(slog.DiscardHandler))
}

// StoreOf is the store of a queue.
func StoreOf(q *Queue) Store { return q.store }
