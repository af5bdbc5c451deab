// Package remote is where data lives when it is not on this machine: the seam
// between DVC's storage and a bucket, a server or another directory.
//
// A [Remote] stores bytes under keys, which are paths with slashes such as
// "files/md5/5d/4140…". It is deliberately small: Stat, Open, Put and Remove.
// What only some kinds can do is an interface of its own, found by assertion:
// a plain web server is no [Lister], and only some buckets are [Versioned].
//
// Kinds are known by the scheme of their URL and are drivers, as in
// database/sql: a program that wants s3:// imports
//
//	import _ "github.com/reprodl/reprodl/pipeline/remote/s3"
//
// and one that does not compiles none of its libraries. Directories need no
// import. The sub-package all imports every driver of this module. A driver
// from elsewhere calls [Register] and proves itself with the suite in
// remotetest.
//
// # Versions
//
// A bucket may keep what is replaced or deleted in it. With the options version_aware
// or worktree, package data then puts each file under the path that it has in the
// repository, and records in .dvc files and dvc.lock which version of it is meant. It
// needs a driver that is [Versioned]: S3 (VersionId), Google (generation), Azure
// (VersionID). Google names a generation also in a bucket that keeps none: its driver
// is a [VersionKeeper], which is asked before anything is replaced.
//
// # Errors
//
// A driver's errors are of type [*Error]: what was tried on which URL, with
// which credentials, and which command would help. [ErrNotFound], [ErrDenied]
// and [ErrUnreachable] are asked for with errors.Is. A driver tries once and
// says whether trying again may help; [Retry] does that.
package remote
