package esc50

import "github.com/reprodl/reprodl/esc50/internal/detmath"

// schedule is the learning rate of every step.
type schedule struct {
	c     Config
	steps int // in an epoch
}

// rate returns the learning rate of a step, counted from 0.
func (s schedule) rate(step int) float64 {
	r := s.c.LearningRate
	if s.c.Schedule == "cosine" {
		at := float64(step) / float64(s.c.MaxEpochs*s.steps)
		r *= 0.5 * (1 + detmath.CosPi(min(at, 1)))
	}
	if warm := float64(s.c.WarmUp * float64(s.steps)); float64(step) < warm {
		r *= float64(step+1) / (warm + 1)
	}
	return r
}
