package workspace

import (
	"context"
	"fmt"
	"io"
	"log/slog"
)

// plainHandler prints what pipeline and experiment say as DVC prints it: the
// message alone, with its level in front of a warning.
type plainHandler struct{ out io.Writer }

func (h *plainHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo
}

func (h *plainHandler) Handle(_ context.Context, r slog.Record) error {
	prefix := ""
	if r.Level > slog.LevelInfo {
		prefix = r.Level.String() + ": "
	}
	_, err := fmt.Fprintln(h.out, prefix+r.Message)
	return err
}

func (h *plainHandler) WithAttrs([]slog.Attr) slog.Handler { return h }
func (h *plainHandler) WithGroup(string) slog.Handler      { return h }
