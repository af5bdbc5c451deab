// Package provenance tells how the result of an experiment came to be, beyond
// what DVC records: which code ran, on what machine, with which seed.
//
// Every run of an experiment stores a [Record]. [Compare] lists what differs
// between two of them, and [Explain] says it in a sentence: whether two results
// may be expected to be equal, and if not, why not.
package provenance

import (
	"debug/buildinfo"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// Record is what the result of an experiment depends on besides what DVC
// records. It is a blob on a reference of its own, below
// refs/reprodl/provenance, so that the commit is exactly DVC's; pushing and
// removing experiments takes it along.
type Record struct {
	Task     string            `json:"task,omitempty"`     // of the queue
	Code     Code              `json:"code"`               // of the program that ran the stages
	Programs map[string]Code   `json:"programs,omitempty"` // Go programs among the dependencies, by path
	System   map[string]string `json:"system"`             // goos, goarch, cpu features, gomaxprocs
	Backend  string            `json:"backend,omitempty"`
	Seed     string            `json:"seed,omitempty"`
	Params   map[string]string `json:"params,omitempty"` // hash of the values that stages used, by file
	Data     map[string]string `json:"data,omitempty"`   // hash of each dependency, by path
}

// Code is a Go program: what `go version -m` tells of it.
type Code struct {
	Module, Version string
	Revision        string
	Dirty           bool // built from a tree with changes
	Go              string
	Settings        map[string]string // GOEXPERIMENT, GOAMD64, tags and the like
	Deps            map[string]string // version and sum of each module
}

// Here begins a record with what the running program knows by itself: its own
// code and the machine. The maps for the rest are made and empty.
func Here() *Record {
	rec := &Record{System: system(), Params: map[string]string{}, Data: map[string]string{}, Programs: map[string]Code{}}
	if info, ok := debug.ReadBuildInfo(); ok {
		rec.Code = codeOf(info)
	}
	return rec
}

// minProgram is less than any Go program has: smaller files are not opened.
const minProgram = 1 << 16

// CodeAt reads the build information of an executable file; false means that
// it is not a Go program.
func CodeAt(file string) (Code, bool) {
	fi, err := os.Stat(file)
	if err != nil || !fi.Mode().IsRegular() || (runtime.GOOS != "windows" && fi.Mode()&0o111 == 0) || fi.Size() < minProgram {
		return Code{}, false
	}
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		return Code{}, false
	}
	return codeOf(info), true
}

// codeOf keeps what can change a result. Without a main module the path of the
// package stands for it.
func codeOf(info *debug.BuildInfo) Code {
	c := Code{Module: info.Path, Version: info.Main.Version, Go: info.GoVersion, Settings: map[string]string{}, Deps: map[string]string{}}
	if info.Main.Path != "" {
		c.Module = info.Main.Path
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			c.Revision = s.Value
		case "vcs.modified":
			c.Dirty = s.Value == "true"
		case "vcs.time", "vcs":
			// The revision says more, and two clones may differ in nothing else.
		default:
			c.Settings[s.Key] = s.Value
		}
	}
	for _, d := range info.Deps {
		// What was built in, not what go.mod asked for first.
		if d.Replace != nil {
			d = d.Replace
		}
		c.Deps[d.Path] = strings.TrimSpace(d.Version + " " + d.Sum)
	}
	return c
}

// system tells what may change the digits of a sum: the instructions at hand
// and how many goroutines run at once.
func system() map[string]string {
	return map[string]string{
		"goos": runtime.GOOS, "goarch": runtime.GOARCH, "cpu": strings.Join(cpuFeatures(), " "),
		"gomaxprocs": strconv.Itoa(runtime.GOMAXPROCS(0)),
	}
}
