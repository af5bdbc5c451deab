//go:build !linux

package live

import "errors"

// probe doesn't exist outside of Linux.
type probe struct{}

func newProbe(map[string]string) (*probe, error) { return nil, errors.ErrUnsupported }

func (p *probe) sample() (sample, error) { return nil, errors.ErrUnsupported }
