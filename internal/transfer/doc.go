// Package transfer moves objects of the cache, and the run cache, between this
// machine and a remote. It is the one place that knows how a remote is opened.
//
// What is asked of a remote is little: the local cache comes first, a
// directory's manifest in the remote vouches for its files (it is sent last),
// and an [index] remembers which manifest that was. What is left is looked for
// by listing or by single requests, whichever turns out to be cheaper.
//
// Whatever may pass (a busy server, a cut connection, silence) is tried again
// within bounds. What arrives is verified before it is stored.
package transfer
