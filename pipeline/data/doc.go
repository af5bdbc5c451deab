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
// # Remotes with versions
//
// A remote with the option version_aware or worktree holds no objects named by their
// content but each file under its own path, where others can read it without DVC. Its
// server keeps the versions, and Push writes which one is meant to the .dvc files and
// dvc.lock: after all files were sent, and for those that were. Pull, Checkout and
// whoever else looks for content goes by what is recorded, also in old commits.
//
// A push makes a new version only of content that the server does not have at that
// path already, and never deletes a file before it is replaced. It cannot be for many
// commits, and the run cache, CloudStatus and gc of a remote need other remotes. Update takes the
// newest versions of a worktree remote, whoever put them there.
//
// # Safety
//
// An object is written beside its place and renamed, so that a killed process
// leaves none that is half there, and it is hashed as it is copied. A checkout
// overwrites or deletes no file whose content is nowhere else, unless it is
// told to. GC removes nothing if it can't find out what is needed.
package data
