// Package hub serves the queue of a repository to other machines, over NATS
// JetStream, which is embedded.
//
// A [Hub] is one process beside the repository. It keeps the tasks in memory
// and every change of them in a stream, synced to disk before anybody is told.
// It listens by TLS 1.3; a [Token] names its certificate, so no authority is
// needed. Other processes reach it by a [Conn], which is a
// [github.com/reprodl/reprodl/experiment/queue.Store].
//
// Only who imports this package compiles NATS.
package hub
