package live

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// probe reads /proc. The numbers are those of psutil 7, which DVCLive asks.
type probe struct {
	dirs map[string]string
	last []cpuTimes
}

// cpuTimes are the ticks that a core has spent.
type cpuTimes struct{ total, busy float64 }

// newProbe reads the processors once, as their use is the difference of two looks.
func newProbe(dirs map[string]string) (*probe, error) {
	p := &probe{dirs: dirs}
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return nil, err
	}
	p.last, err = parseCPUs(stat)
	return p, err
}

// sample is the state since the last call; metrics are named as DVCLive names them.
func (p *probe) sample() (sample, error) {
	s := make(sample)
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return nil, err
	}
	now, err := parseCPUs(stat)
	if err != nil {
		return nil, err
	}
	s.addCPUs(p.last, now)
	p.last = now
	meminfo, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return nil, err
	}
	if err := s.addMemory(meminfo); err != nil {
		return nil, err
	}
	for key, dir := range p.dirs {
		var st unix.Statfs_t
		if unix.Statfs(dir, &st) == nil { // a disk that has gone is left out
			s.addDisk(key, st)
		}
	}
	return s, nil
}

// parseCPUs reads the lines cpu0, cpu1, … of /proc/stat.
func parseCPUs(stat []byte) ([]cpuTimes, error) {
	var cpus []cpuTimes
	for line := range bytes.Lines(stat) {
		fields := strings.Fields(string(line))
		// The line "cpu" is the sum of the others.
		if len(fields) < 6 || !strings.HasPrefix(fields[0], "cpu") || fields[0] == "cpu" {
			continue
		}
		var t cpuTimes
		for i, text := range fields[1:] {
			ticks, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return nil, fmt.Errorf("/proc/stat: %w", err)
			}
			// The columns of proc(5), counted after the name.
			const idle, iowait, guest = 3, 4, 8
			if i < guest { // guests are counted as user time already
				t.total += ticks
				if i != idle && i != iowait {
					t.busy += ticks
				}
			}
		}
		cpus = append(cpus, t)
	}
	if cpus == nil {
		return nil, fmt.Errorf("/proc/stat: no processors")
	}
	return cpus, nil
}

// addCPUs adds the mean use of the cores, and which share of them is active.
func (s sample) addCPUs(before, now []cpuTimes) {
	// DVCLive's MINIMUM_CPU_USAGE_TO_BE_ACTIVE.
	const active = 20 // percent
	var sum, parallel float64
	for i, t := range now {
		if i >= len(before) {
			continue // a core that has come
		}
		var percent float64
		if total := t.total - before[i].total; total > 0 {
			percent = tenths((t.busy - before[i].busy) / total * 100)
		}
		sum += percent
		if percent >= active {
			parallel++
		}
	}
	n := float64(len(now))
	s["system/cpu/count"] = n
	s["system/cpu/usage (%)"] = sum / n
	s["system/cpu/parallelization (%)"] = parallel * 100 / n
}

// addMemory adds the memory in gigabytes of 1024³ bytes; /proc has units of 1024.
// What is not available counts as used.
func (s sample) addMemory(meminfo []byte) error {
	kB := make(map[string]float64)
	for line := range bytes.Lines(meminfo) {
		fields := strings.Fields(string(line))
		if len(fields) < 2 {
			continue
		}
		v, err := strconv.ParseFloat(fields[1], 64)
		if err != nil {
			return fmt.Errorf("/proc/meminfo: %w", err)
		}
		kB[strings.TrimSuffix(fields[0], ":")] = v
	}
	total, available := kB["MemTotal"], kB["MemAvailable"]
	if total == 0 {
		return fmt.Errorf("/proc/meminfo: no MemTotal")
	}
	s["system/ram/usage (%)"] = tenths((total - available) / total * 100)
	s["system/ram/usage (GB)"] = (total - available) * 1024 / gigabyte
	s["system/ram/total (GB)"] = total * 1024 / gigabyte
	return nil
}

// addDisk adds a file system. As df does, it takes the percentage of what users
// may have: blocks reserved for root count neither as used nor as free.
func (s sample) addDisk(key string, st unix.Statfs_t) {
	block := float64(st.Frsize)
	total, used := float64(st.Blocks)*block, float64(st.Blocks-st.Bfree)*block
	percent := 0.0
	if usable := used + float64(st.Bavail)*block; usable > 0 {
		percent = tenths(used / usable * 100)
	}
	s["system/disk/usage (%)/"+key] = percent
	s["system/disk/usage (GB)/"+key] = used / gigabyte
	s["system/disk/total (GB)/"+key] = total / gigabyte
}

// tenths rounds a percentage as psutil does.
func tenths(percent float64) float64 { return math.Round(percent*10) / 10 }
