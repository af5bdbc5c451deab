package experiment

import (
	"context"
	"errors"
)

func (r *Repo) PushData(ctx context.Context, exps []Experiment, opts *DataOptions) (int, error) {
	return 0, errors.New("no push yet")
}

func (r *Repo) FetchData(ctx context.Context, exps []Experiment, opts *DataOptions) error {
	return errors.New("no fetch yet")
}
