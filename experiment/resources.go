package experiment

import (
	"fmt"
	"strings"
	"time"
)

// Resources are what a task needs, or what a machine has for tasks. Zero means
// no need, or nothing known and so no limit.
type Resources struct {
	CPUs    int           `json:",omitempty"`
	GPUs    int           `json:",omitempty"`
	GPUType string        `json:",omitempty"` // as the driver names it, or a part of that; any case
	Mem     int64         `json:",omitempty"` // bytes
	Time    time.Duration `json:",omitempty"` // that a run takes at most
}

// IsZero reports whether nothing is asked for.
func (r Resources) IsZero() bool { return r == Resources{} }

// Fits reports whether an offer has all that r asks for. A zero offer, of a
// machine that does not tell, has everything.
func (r Resources) Fits(offer Resources) bool { return offer.IsZero() || r.Lacks(offer) == "" }

// Lacks says what an offer is short of, such as "4 gpus"; "" is nothing.
func (r Resources) Lacks(offer Resources) string {
	switch {
	case r.CPUs > offer.CPUs:
		return fmt.Sprintf("%d cpus", r.CPUs)
	case r.GPUs > offer.GPUs:
		return fmt.Sprintf("%d gpus", r.GPUs)
	case r.GPUs > 0 && !strings.Contains(strings.ToLower(offer.GPUType), strings.ToLower(r.GPUType)):
		return "a gpu of type " + r.GPUType
	case r.Mem > offer.Mem && offer.Mem > 0:
		return "mem " + formatBytes(r.Mem)
	case r.Time > offer.Time && offer.Time > 0:
		return "time " + r.Time.String()
	}
	return ""
}

// Share is what each of n has that share alike.
func (r Resources) Share(n int) Resources {
	r.CPUs = max(min(1, r.CPUs), r.CPUs/n)
	r.GPUs /= n
	r.Mem /= int64(n)
	return r
}

// String is for people, and the same for equal resources only.
func (r Resources) String() string {
	var list []string
	add := func(ok bool, format string, v any) {
		if ok {
			list = append(list, fmt.Sprintf(format, v))
		}
	}
	add(r.CPUs != 0, "cpus: %d", r.CPUs)
	add(r.GPUs != 0, "gpus: %d", r.GPUs)
	add(r.GPUType != "", "gpu_type: %s", r.GPUType)
	add(r.Mem != 0, "mem: %s", formatBytes(r.Mem))
	add(r.Time != 0, "time: %s", r.Time)
	return strings.Join(list, ", ")
}

// formatBytes uses the largest unit of 1024 that loses nothing.
func formatBytes(n int64) string {
	units := "KMGT"
	unit := ""
	for _, u := range units {
		if n == 0 || n%1024 != 0 {
			break
		}
		n, unit = n/1024, string(u)
	}
	return fmt.Sprint(n, unit)
}
