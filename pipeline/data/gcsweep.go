package data

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/reprodl/reprodl/internal/object"
)

// sweep removes objects from the cache, and whatever else lies among them.
// A kill leaves a cache that is whole: what is left is needed, or unused as before.
func (c *collector) sweep(ctx context.Context, legacy bool) (int, error) {
	c.quiet()
	cache := c.r.p.Cache()
	var dirs, files []object.Hash
	// Objects that are being written have other names until they are complete,
	// so that one which another process adds meanwhile isn't seen.
	for h, err := range cache.Objects(ctx, legacy) {
		switch {
		case err != nil:
			return 0, err
		case c.keep[h]:
		case h.IsDir():
			dirs = append(dirs, h)
		default:
			files = append(files, h)
		}
	}
	strays, err := cache.Strays(legacy)
	if err != nil {
		return 0, err
	}
	// A manifest goes before its files: what a crash leaves is complete.
	n := 0
	remove := func(path string, do func() error) error {
		n++
		if c.opts.Dry {
			c.r.p.Log.Info("Removing " + path)
			return nil
		}
		return do()
	}
	unused := slices.Concat(dirs, files)
	m := c.meter(len(unused) + len(strays))
	for _, h := range unused {
		size, err := cache.Size(h)
		if err != nil {
			size = 0
		}
		c.bytes += size
		if err := remove(cache.Path(h), func() error { return cache.Remove(h) }); err != nil {
			return n, err
		}
		m.add(size)
	}
	for _, path := range strays {
		if err := remove(path, func() error { return os.Remove(path) }); err != nil {
			return n, err
		}
		m.add(0)
	}
	if c.opts.Dry {
		return n, nil
	}
	// DVC before 1.0 kept a directory as links beside its manifest.
	for _, h := range dirs {
		if err := os.RemoveAll(cache.Path(h) + ".unpacked"); err != nil {
			return n, err
		}
	}
	cache.RemoveStale()
	return n, nil
}

// say logs how a part of the work has ended.
func (c *collector) say(text string) {
	c.quiet()
	c.r.p.Log.Info(text)
}

// quiet says that nothing is under way: something is about to be logged.
func (c *collector) quiet() {
	if c.opts.Progress != nil {
		c.opts.Progress(Progress{})
	}
}

// meter counts what is removed from the cache; none on a dry run, which logs each file.
func (c *collector) meter(files int) *gcMeter {
	m := &gcMeter{now: Progress{Phase: "removing", TotalFiles: files}}
	if !c.opts.Dry {
		m.report = c.opts.Progress
	}
	return m
}

type gcMeter struct {
	report func(Progress) // nil = nobody
	now    Progress
	last   time.Time
}

func (m *gcMeter) add(bytes int64) {
	m.now.Files++
	m.now.Bytes += bytes
	if m.report != nil && (time.Since(m.last) >= 100*time.Millisecond || m.now.Files == m.now.TotalFiles) {
		m.last = time.Now()
		m.report(m.now)
	}
}
