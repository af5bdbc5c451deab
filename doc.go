// Package reprodl is the home of five packages for reproducible training
// programs in Go. They write the files of DVC 3 and DVCLive 3, byte for byte.
//
//   - [github.com/reprodl/reprodl/params]: typed parameters from YAML, JSON, TOML and Python files;
//     [github.com/reprodl/reprodl/params/ordered] is the mapping that all values are made of,
//     [github.com/reprodl/reprodl/params/pyjson] writes them as Python does
//   - [github.com/reprodl/reprodl/live]: live metrics, images and plots, and a report page;
//     [github.com/reprodl/reprodl/live/gomlxlive] attaches it to a GoMLX loop,
//     [github.com/reprodl/reprodl/live/tensorboard] writes event files
//   - [github.com/reprodl/reprodl/pipeline]: stages, dvc.lock and the run cache;
//     [github.com/reprodl/reprodl/pipeline/data] adds, restores, pushes and pulls what they read and write,
//     [github.com/reprodl/reprodl/pipeline/config] reads and changes a repository's configuration,
//     [github.com/reprodl/reprodl/pipeline/repofs] reads any revision of any repository as a file system,
//     [github.com/reprodl/reprodl/pipeline/values] shows metrics, parameters and plots over revisions
//   - [github.com/reprodl/reprodl/experiment]: experiments as git refs; below it
//     [github.com/reprodl/reprodl/experiment/queue] runs them by workers,
//     [github.com/reprodl/reprodl/experiment/queue/hub] by those of other machines,
//     [github.com/reprodl/reprodl/experiment/queue/slurm] by a cluster's jobs,
//     [github.com/reprodl/reprodl/experiment/compare] lays them out as tables and pages,
//     [github.com/reprodl/reprodl/experiment/search] proposes parameters and
//     [github.com/reprodl/reprodl/experiment/provenance] explains why two results differ
//   - [github.com/reprodl/reprodl/esc50]: audio classification on ESC-50, the same to the bit everywhere;
//     [github.com/reprodl/reprodl/esc50/cpu] is its GoMLX backend, of use to other models too
//
// # Who imports whom
//
// params and live stand alone and stay light; pipeline reads parameters through
// params, experiment runs pipelines. Within pipeline, pipeline stands on data,
// and values only takes its handle; config, ordered and pyjson stand below all. esc50 knows none of them. They meet in a
// caller's main: examples/esc50 is one, examples/reprodl is the command dvc
// made of the public packages alone. Only esc50, the examples and gomlxlive
// import GoMLX.
//
// What they share is in internal: YAML as Python writes it (dvcyaml), the files of a pipeline (dvcfile) and its graph (stagegraph), the
// cache (object) and its way to remotes (transfer), the repository's directory
// (repo), an opened repository with its stages and outputs (project), those of
// others at any revision (external), git, ignore files, the source files of a Go
// package (gocode), replacing files (atomicfile), processes of this machine
// (host), programs that outlive a killed runner (orphan) and the report page
// (report).
package reprodl
