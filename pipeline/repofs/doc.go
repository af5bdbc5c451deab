// Package repofs reads any revision of any DVC repository as an [io/fs.FS]: the
// files of git, and in their places the data that DVC tracks.
//
//	fsys, err := repofs.Open(ctx, "https://example.com/data.git", &repofs.Options{Rev: "v1.2"})
//	…
//	defer fsys.Close()
//	dataset, err := esc50.Open(fsys)
//
// Nothing is checked out. A repository on this machine is read where it is, one
// at a URL from a clone that is kept for the next time. Data comes from the
// repository's cache or is streamed from its remote, and is verified on the way;
// the kinds of remotes are those whose drivers the program imports (see package
// remote). What was imported from another repository comes from there.
//
// [FS.List] tells what git and DVC know of files, [FS.Get] copies them to a
// directory, [FS.Artifact] finds one of a model registry.
package repofs
