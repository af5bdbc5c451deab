package kernel

import (
	"fmt"
	"os"
	"slices"
)

// Level is the kind of code that the kernels run.
type Level int

// The levels. A machine has Generic and those of its architecture.
const (
	Generic Level = iota // portable Go
	AVX2                 // amd64 with AVX2 and FMA
	AVX512               // amd64 with AVX-512 F, BW, DQ and VL
	NEON                 // arm64
)

var names = [...]string{"generic", "avx2", "avx512", "neon"}

// EnvLevel names the environment variable that sets the level at the start:
// generic, avx2, avx512 or neon. A level that the machine has not is ignored.
const EnvLevel = "REPRODL_CPU"

// machine holds the levels of this machine, the fastest last.
var machine = available()

var level = initial(os.Getenv(EnvLevel))

func initial(name string) Level {
	if l, err := ParseLevel(name); err == nil && slices.Contains(machine, l) {
		return l
	}
	return machine[len(machine)-1]
}

// ParseLevel returns the level called generic, avx2, avx512 or neon, whether or not
// this machine has it.
func ParseLevel(name string) (Level, error) {
	i := slices.Index(names[:], name)
	if i < 0 {
		return 0, fmt.Errorf("kernel: no level %q: want generic, avx2, avx512 or neon", name)
	}
	return Level(i), nil
}

// String is the name of the level.
func (l Level) String() string { return names[l] }

// Current is the level in use.
func Current() Level { return level }

// SetLevel changes the level for the whole process and returns the one before,
// or an error when this machine cannot run it. No kernel may be running.
func SetLevel(l Level) (Level, error) {
	if !slices.Contains(machine, l) {
		return level, fmt.Errorf("kernel: this machine has no %v", l)
	}
	old := level
	level = l
	return old, nil
}
