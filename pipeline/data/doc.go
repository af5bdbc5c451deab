// Package data keeps the data of a DVC repository: what .dvc files and the
// outputs of stages record is added to the cache, checked out from it, and
// copied to and from remotes, in the files that DVC 3.67.1 writes.
//
//	repo, err := data.Open(".", nil)
//	…
//	done, checkouts, err := repo.Pull(ctx, nil)
//
// It runs nothing. Package pipeline does, and its Repo has one of this package
// in it: a program that only needs the data compiles no more than this.
//
// # Safety
//
// An object is written beside its place and renamed, so that a killed process
// leaves none that is half there, and it is hashed as it is copied. A checkout
// overwrites or deletes no file whose content is nowhere else, unless it is
// told to. GC removes nothing if it can't find out what is needed.
package data
