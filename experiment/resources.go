package experiment

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/dvcfile"
	"github.com/reprodl/reprodl/internal/git"
	"github.com/reprodl/reprodl/params/ordered"
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

// Or is r with what over asks for in its place, where that is not zero.
func (r Resources) Or(over Resources) Resources {
	if over.CPUs != 0 {
		r.CPUs = over.CPUs
	}
	if over.GPUs != 0 {
		r.GPUs = over.GPUs
	}
	if over.GPUType != "" {
		r.GPUType = over.GPUType
	}
	if over.Mem != 0 {
		r.Mem = over.Mem
	}
	if over.Time != 0 {
		r.Time = over.Time
	}
	return r
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

// needs is what an experiment needs for all of its stages, as they say in their
// meta: the largest of each, as they share a machine. DVC leaves meta alone.
func (r *Repo) needs(ctx context.Context, tree git.ID) (Resources, error) {
	return r.needsOf(ctx, tree, func(string, string) bool { return true })
}

// needsOf is needs for the stages that are meant, by file and name.
func (r *Repo) needsOf(ctx context.Context, tree git.ID, meant func(file, name string) bool) (Resources, error) {
	var need Resources
	fsys, err := fs.Sub(r.git.TreeAt(ctx, tree), r.sub)
	if err != nil {
		return need, err
	}
	items, err := dvcfile.Collect(fsys, nil)
	if err != nil {
		return need, nil // the run will say it
	}
	for _, item := range items {
		if item.File == nil {
			continue
		}
		for _, st := range item.File.Stages {
			m, ok := st.Meta.(*ordered.Map)
			if !ok || !meant(item.File.Path, st.Name) {
				continue
			}
			v, ok := m.Get("resources")
			if !ok {
				continue
			}
			one, err := readResources(v)
			if err != nil {
				return need, fmt.Errorf("%s: stage '%s': meta: resources: %w", item.File.Path, st.Name, err)
			}
			need = need.max(one)
		}
	}
	return need, nil
}

func (r Resources) max(o Resources) Resources {
	r.CPUs, r.GPUs, r.Mem, r.Time = max(r.CPUs, o.CPUs), max(r.GPUs, o.GPUs), max(r.Mem, o.Mem), max(r.Time, o.Time)
	if o.GPUType != "" {
		r.GPUType = o.GPUType
	}
	return r
}

// readResources reads a mapping with the keys cpus, gpus, gpu_type, mem and time.
func readResources(v any) (r Resources, err error) {
	m, ok := v.(*ordered.Map)
	if !ok {
		return r, errors.New("this is not a mapping of cpus, gpus, gpu_type, mem and time")
	}
	for k, v := range m.All() {
		if err := r.Set(fmt.Sprint(k), fmt.Sprint(v)); err != nil {
			return r, err
		}
	}
	return r, nil
}

// Set sets one of cpus, gpus, gpu_type, mem and time from text. mem is a number
// of bytes, or of K, M, G or T, which are powers of 1024; time is as Go writes
// it, such as 1h30m, or a number of minutes.
func (r *Resources) Set(key, value string) (err error) {
	switch key {
	case "cpus":
		r.CPUs, err = count(value)
	case "gpus":
		r.GPUs, err = count(value)
	case "gpu_type":
		r.GPUType = value
	case "mem":
		r.Mem, err = parseBytes(value)
	case "time":
		if n, e := count(value); e == nil {
			r.Time = time.Duration(n) * time.Minute
		} else if r.Time, err = time.ParseDuration(value); err == nil && r.Time < 0 {
			err = errors.New("it is negative")
		}
	default:
		return fmt.Errorf("there is no resource %q; there are cpus, gpus, gpu_type, mem and time", key)
	}
	if err != nil {
		err = fmt.Errorf("%s: %q: %w", key, value, err)
	}
	return err
}

func count(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0, errors.New("not a count")
	}
	return int(n), nil
}

func parseBytes(s string) (int64, error) {
	text := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(s)), "B"), "I")
	shift := 0
	if n := len(text); n > 0 {
		if i := strings.IndexByte("KMGT", text[n-1]); i >= 0 {
			shift, text = 10*(i+1), strings.TrimSpace(text[:n-1])
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if f *= math.Pow(2, float64(shift)); err != nil || !(f >= 0 && f < 1<<62) {
		return 0, errors.New("not a size, such as 16G")
	}
	return int64(f), nil
}
