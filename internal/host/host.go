// Package host knows this machine's processes: which live, which boot they
// belong to, who holds a file, and how a child is made to outlive its parent.
package host
