package queue

import "github.com/reprodl/reprodl/experiment"

// Resources are what a task needs, or a worker has.
type Resources = experiment.Resources
