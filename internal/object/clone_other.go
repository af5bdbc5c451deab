//go:build !linux && !darwin

package object

// cloner cannot clone files here.
type cloner struct{}

func (*cloner) try(file, *dir, string) bool { return false }
