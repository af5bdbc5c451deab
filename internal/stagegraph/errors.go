package stagegraph

import (
	"fmt"
	"strings"
)

// A DuplicateError reports a path that is declared as an output twice.
type DuplicateError struct {
	Output    string
	Addresses []string // one address if the same stage declares it twice
}

func (e *DuplicateError) Error() string {
	if len(e.Addresses) == 1 {
		a := e.Addresses[0]
		return fmt.Sprintf("output '%s' is already specified in stage: '%s'.\n"+
			"Use `dvc remove %s` to stop tracking the overlapping output.", e.Output, a, a)
	}
	return fmt.Sprintf("output '%s' is specified in:\n\t- %s\n"+
		"Use `dvc remove` with any of the above targets to stop tracking the overlapping output.",
		e.Output, strings.Join(e.Addresses, "\n\t- "))
}

// Class names the kind of error as recorded cases name it.
func (e *DuplicateError) Class() string { return "duplicate_output" }

// An OverlapError reports an output that lies inside another one.
type OverlapError struct{ Parent, Child OverlapSide }

// An OverlapSide is one of two overlapping outputs.
type OverlapSide struct{ Output, Address string }

func (e *OverlapError) Error() string {
	return fmt.Sprintf("The output paths:\n'%s'('%s')\n'%s'('%s')\n"+
		"overlap and are thus in the same tracked directory.\n"+
		"To keep reproducibility, outputs should be in separate tracked directories or tracked individually.",
		e.Parent.Output, e.Parent.Address, e.Child.Output, e.Child.Address)
}

// Class names the kind of error as recorded cases name it.
func (e *OverlapError) Class() string { return "overlapping_output" }

// An InsideOutputError reports a stage whose file lies inside an output.
type InsideOutputError struct{ Address, Output string }

func (e *InsideOutputError) Error() string {
	return fmt.Sprintf("stage: '%s' is within an output '%s' of another stage", e.Address, e.Output)
}

// Class names the kind of error as recorded cases name it.
func (e *InsideOutputError) Class() string { return "overlapping_output" }

// A CycleError reports stages that depend on each other in a circle. Addresses
// lists them in the direction of dependency, each one needing the next and the
// last one the first.
type CycleError struct{ Addresses []string }

func (e *CycleError) Error() string {
	what, chain := "stages", ""
	if len(e.Addresses) == 1 {
		what = "stage"
	} else {
		chain = "\nThe cycle is: " + strings.Join(e.Addresses, " -> ") + " -> " + e.Addresses[0]
	}
	return fmt.Sprintf("Same item(s) are defined as both a dependency and an output in %s: %s.%s",
		what, strings.Join(e.Addresses, ", "), chain)
}

// Class names the kind of error as recorded cases name it.
func (e *CycleError) Class() string { return "cycle" }
