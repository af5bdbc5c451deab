package pipeline

import "context"

func (r *Repo) pullRunCache(ctx context.Context) error { return nil }

func (p *repro) pullRun(ctx context.Context, s *stage, hit *runHit) {}

func (p *repro) pull(ctx context.Context, s *stage, res *Result) (bool, error) { return false, nil }
