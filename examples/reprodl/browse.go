package main

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"strings"
)

// browse opens an address in the first browser that takes it: those of $BROWSER, as
// Python reads it, or the system's.
func (a *app) browse(address string) error {
	for _, command := range browsers(a.getenv("BROWSER")) {
		args := strings.Fields(command)
		if len(args) == 0 {
			continue
		}
		placed := false
		for i, arg := range args {
			placed = placed || strings.Contains(arg, "%s")
			args[i] = strings.ReplaceAll(arg, "%s", address)
		}
		if !placed {
			args = append(args, address)
		}
		if exec.CommandContext(context.Background(), args[0], args[1:]...).Run() == nil {
			return nil
		}
	}
	return &exitError{exitSoft, errors.New("Failed to open. Please try opening it manually.")} // DVC's words
}

// browsers lists commands; chosen is the value of $BROWSER.
func browsers(chosen string) []string {
	if chosen != "" && runtime.GOOS != "windows" {
		return strings.Split(chosen, ":")
	}
	switch runtime.GOOS {
	case "windows":
		return []string{"rundll32 url.dll,FileProtocolHandler"}
	case "darwin":
		return []string{"open"}
	}
	return []string{"xdg-open", "gio open", "x-www-browser"}
}
