// Package params reads and edits the parameter files of an experiment:
// params.yaml, or any other YAML, JSON, TOML or Python file.
//
// [Load] fills a struct, whose fields hold the defaults before the call:
//
//	cfg := struct {
//		LR     float64 `yaml:"lr"`
//		Epochs int     `yaml:"epochs"`
//	}{LR: 1e-3, Epochs: 10}
//	err := params.Load("params.yaml", &cfg)
//
// It is strict: a key that the struct does not know, a value of another type,
// a key given twice are errors that name file and line. A struct with a method
// Validate() error has its say after it was filled.
//
// [LoadFS] and [ReadFS] do the same with a file of an [io/fs.FS]: embedded
// defaults, or the tree of a commit. [Read] gives the content as [Values] for programs that do not know the keys
// beforehand. [Set] changes keys in place, by the override grammar of DVC's
// -S option, and leaves comments, order and spelling of the rest as they are;
// [Sweep] expands overrides such as lr=0.1,0.01 to their combinations; [Diff]
// compares two files as `dvc params diff` does.
//
// # Values
//
// Values have the types nil, bool, int64, *big.Int, float64, string, []any and
// *[Map], an ordered mapping. Files are read as DVC reads them: YAML 1.2, so
// yes is a string, 010 is ten and 1_000 is a number; of a Python file the
// assignments of literals, class bodies, and self.x in __init__. Equality is
// Python's: 1, 1.0 and true are equal, a not-a-number equals nothing.
package params
