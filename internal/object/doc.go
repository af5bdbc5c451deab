// Package object is DVC's content-addressed storage: the MD5 [Hash] of files and
// directories, the manifests of directories, the [Cache] of objects, and the
// ways in which data gets from the workspace into the cache and back.
//
// A [Hasher] answers "what does this path hold?" and remembers the answers in a
// memo keyed by path, inode, size, mtime and ctime, so that asking again costs
// one stat per file. A [Cache] stores objects under their hash, mode 0444,
// by rename, and never hands out bytes that do not have the hash they were
// asked by.
//
// Formats: DVC 3.67.1, and the cache of DVC 2 for entries it recorded (see
// [Hash]).
package object
