//go:build linux || darwin

package orphan

import "time"

// Grace changes how long programs have to end by themselves.
func Grace(d time.Duration) { grace = d }
