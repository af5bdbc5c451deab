// Package reprodl is the home of five packages for reproducible training
// programs in Go:
//
//   - [github.com/reprodl/reprodl/params]: typed parameters from YAML, JSON and TOML
//   - [github.com/reprodl/reprodl/live]: live metrics, in the files DVCLive writes
//   - [github.com/reprodl/reprodl/pipeline]: DVC pipelines: stages, dvc.lock, cache
//   - [github.com/reprodl/reprodl/experiment]: DVC experiments as git refs
//   - [github.com/reprodl/reprodl/esc50]: audio classification on ESC-50, the same to the bit everywhere
//
// The packages meet only in a caller's main; examples/esc50 is such a main.
package reprodl
