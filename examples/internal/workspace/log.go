package workspace

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// plainHandler prints what pipeline and experiment say as DVC prints it: the
// message alone, with its level in front of a warning. They say it in DVC's
// words; commands to type, which stand on lines of their own behind a tab, are
// named after the program that is surely there.
type plainHandler struct{ out io.Writer }

func (h *plainHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

func (h *plainHandler) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "\nTo enable auto staging") {
		return nil // once would do, but it comes with every file
	}
	prefix := ""
	if r.Level > slog.LevelInfo {
		prefix = r.Level.String() + ": "
	}
	_, err := fmt.Fprintln(h.out, prefix+strings.ReplaceAll(r.Message, "\tdvc ", "\treprodl "))
	return err
}

func (h *plainHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h *plainHandler) WithGroup(string) slog.Handler      { return h }
