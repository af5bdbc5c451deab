// Package transfer moves objects of the cache, and the run cache, between this
// machine and a remote. It is the one place that knows how a remote is opened.
package transfer
