// Package dvcyaml reads and writes YAML exactly as DVC 3.67.1 does, which is
// to say as ruamel.yaml 0.19.1 does: YAML 1.2 with underscores and binary
// numbers, block style, lines broken at column 80.
//
// Values are nil, bool, int64, *big.Int, float64, string, []any and *[Map];
// timestamps are [Date] or time.Time. A collection that the document names
// with an anchor is one Go object wherever an alias refers to it, and Marshal
// writes anchors for collections that occur twice. The identity of a list is
// its backing array and its length.
//
// The reader is a recursive descent over the bytes. It is not built on a
// general YAML library for three reasons: none resolves scalars as DVC's does
// (1_000 is a number, 010 is ten, yes is a string); none keeps comments the
// way DVC's keeps them when it edits a file; and a pipeline of 500 stages must
// be read in a few milliseconds.
package dvcyaml
