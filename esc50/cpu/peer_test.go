package cpu_test

import (
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
)

// goBackend is GoMLX's Go backend, which results are compared with. It runs one
// operation at a time: many convolutions at once wait for each other's workers
// for ever.
var goBackend = sync.OnceValue(func() compute.Backend {
	b, err := gobackend.New("ops_sequential")
	if err != nil {
		panic(err)
	}
	return b
})
