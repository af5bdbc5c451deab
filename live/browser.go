package live

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// open shows the first report in a browser, if DVCLIVE_OPEN asks for it.
// DVCLive opens one at every step; the page reloads itself, so once is enough.
// It requires reporter.mu.
func (r *reporter) open() {
	if r.opened || !r.l.envBool("DVCLIVE_OPEN") {
		return
	}
	r.opened = true
	cmd := browser(fileURL(r.l.abs("report.html")))
	if err := cmd.Start(); err != nil {
		r.l.slog.Warn("live: no browser could be opened", "err", err)
		return
	}
	go func() { _ = cmd.Wait() }() // the browser may outlive the run
}

// browser is the command that shows an address: the one that BROWSER names, as
// for Python's webbrowser, or the system's.
func browser(address string) *exec.Cmd {
	if program := os.Getenv("BROWSER"); program != "" {
		return exec.Command(program, address)
	}
	switch runtime.GOOS {
	case "windows":
		return exec.Command("rundll32", "url.dll,FileProtocolHandler", address)
	case "darwin":
		return exec.Command("open", address)
	}
	return exec.Command("xdg-open", address)
}

// fileURL is the address of an absolute path: a drive letter comes after a
// slash.
func fileURL(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}
