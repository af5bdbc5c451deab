package kernel

import (
	"fmt"
	"os"
)

// Level is the kind of code that the kernels run.
type Level int

// The levels, in order of speed.
const (
	Generic Level = iota // portable Go
	AVX2                 // amd64 with AVX2 and FMA
	AVX512               // amd64 with AVX-512 F, BW, DQ and VL
)

// EnvLevel names the environment variable that sets the level at the start:
// generic, avx2 or avx512. A level that the machine has not is ignored.
const EnvLevel = "REPRODL_CPU"

var level = initial(os.Getenv(EnvLevel))

func initial(name string) Level {
	l, err := ParseLevel(name)
	if err != nil {
		return best()
	}
	return min(l, best())
}

// ParseLevel returns the level called generic, avx2 or avx512.
func ParseLevel(name string) (Level, error) {
	for l := Generic; l <= AVX512; l++ {
		if l.String() == name {
			return l, nil
		}
	}
	return 0, fmt.Errorf("kernel: no level %q: want generic, avx2 or avx512", name)
}

// String is the name of the level.
func (l Level) String() string {
	return [...]string{"generic", "avx2", "avx512"}[l]
}

// Current is the level in use.
func Current() Level { return level }

// SetLevel changes the level for the whole process and returns the one before,
// or an error when this machine cannot run it. No kernel may be running.
func SetLevel(l Level) (Level, error) {
	if l > best() {
		return level, fmt.Errorf("kernel: this machine has no %v", l)
	}
	old := level
	level = l
	return old, nil
}
