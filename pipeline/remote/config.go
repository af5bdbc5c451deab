package remote

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Config says which remote to open and how.
type Config struct {
	Name string // in the configuration, for messages; may be empty
	URL  string // "s3://bucket/prefix", or a path
	// Options are DVC's options of this kind of remote by their names in
	// .dvc/config, lower case. A driver ignores those it doesn't know: checking
	// names and values is up to whoever reads the configuration.
	Options map[string]string
	// Dir is what relative paths in URL and Options are relative to; empty = the
	// working directory.
	Dir string
	// Escaped says that keys are parts of the URL as a user wrote it, percent signs and
	// all: it is that of a web page, and not of a remote.
	Escaped bool
	// Jobs is how many calls will be made at a time, so that a driver can have
	// as many connections ready; 0 = the option jobs, or else 4 per core.
	Jobs int
	// Ask reads a secret from the user (ask_password, ask_passphrase). Nil = such
	// options are an error.
	Ask func(ctx context.Context, prompt string) (string, error)
	// Logger hears of what is worth knowing; nil discards it.
	Logger *slog.Logger
}

// Scheme is the part of the URL before "://", or "" for a directory.
func (c *Config) Scheme() string {
	scheme, _, ok := strings.Cut(c.URL, "://")
	if !ok || strings.ContainsAny(scheme, `/\`) {
		return ""
	}
	return strings.ToLower(scheme)
}

// Split returns the first element of the URL after the scheme (a bucket, a
// host) and the rest, a clean path without slashes at its ends. Nothing is
// unescaped: in DVC, s3://b/a%20b is a key with a percent sign.
func (c *Config) Split() (host, rest string) {
	_, after, _ := strings.Cut(c.URL, "://")
	host, rest, _ = strings.Cut(after, "/")
	if rest = strings.Trim(path.Clean("/"+rest), "/"); rest == "." {
		rest = ""
	}
	return host, rest
}

// Get is the value of an option, or "".
func (c *Config) Get(option string) string { return c.Options[option] }

// Bool is a boolean option, with what an absent one means.
func (c *Config) Bool(option string, absent bool) bool {
	switch strings.ToLower(c.Options[option]) {
	case "":
		return absent
	case "true", "yes", "on", "1":
		return true
	}
	return false
}

// Seconds is an option that is a time in seconds, with what an absent one means.
func (c *Config) Seconds(option string, absent time.Duration) (time.Duration, error) {
	text := c.Options[option]
	if text == "" {
		return absent, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f < 0 {
		return 0, c.bad(option, "a number of seconds")
	}
	return time.Duration(f * float64(time.Second)), nil
}

// Int is an option that is a whole number from 1, with what an absent one means.
func (c *Config) Int(option string, absent int) (int, error) {
	text := c.Options[option]
	if text == "" {
		return absent, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, c.bad(option, "a whole number from 1")
	}
	return n, nil
}

func (c *Config) bad(option, want string) error {
	return fmt.Errorf("remote '%s': option %s is not %s", c.Name, option, want)
}

// Path is an option that is a path, made absolute; "" if it is absent.
func (c *Config) Path(option string) string {
	if c.Options[option] == "" {
		return ""
	}
	return c.abs(c.Options[option])
}

func (c *Config) abs(p string) string {
	if rest, ok := strings.CutPrefix(p, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, filepath.FromSlash(rest))
		}
	}
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.Dir, filepath.FromSlash(p))
}

// Concurrency is how many calls to expect at a time, at least 1.
func (c *Config) Concurrency() int {
	if c.Jobs > 0 {
		return c.Jobs
	}
	if n, err := strconv.Atoi(c.Options["jobs"]); err == nil && n > 0 {
		return n
	}
	return 4 * runtime.GOMAXPROCS(0)
}

// Log is the Logger, never nil.
func (c *Config) Log() *slog.Logger {
	if c.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Logger
}

// Secret is an option that holds a secret or, if the option ask is set, what
// the user answers.
func (c *Config) Secret(ctx context.Context, option, ask, prompt string) (string, error) {
	if text := c.Options[option]; text != "" || !c.Bool(ask, false) {
		return text, nil
	}
	if c.Ask == nil {
		return "", fmt.Errorf("remote '%s': %s is set, but there is nobody to ask; "+
			"dvc remote modify --local %s %s VALUE", c.Name, ask, c.Name, option)
	}
	return c.Ask(ctx, prompt)
}

// Fail is the error of an operation on a key, or on the remote if it is empty.
// The caller fills in what it knows besides. No secret of the configuration
// shows in the text. The end of a context is recognisable by errors.Is.
func (c *Config) Fail(op, key string, err error) *Error {
	e := &Error{Op: op, Remote: c.Name, URL: c.Address(key), Err: err}
	if err == nil {
		return e
	}
	if s := new(sourceError); errors.As(err, &s) {
		e.Err = s
	}
	text := e.Err.Error()
	for name, value := range c.Options {
		if isSecret(name) && len(value) > 2 {
			text = strings.ReplaceAll(text, value, "***")
			text = strings.ReplaceAll(text, url.QueryEscape(value), "***")
		}
	}
	if text != e.Err.Error() {
		e.Err = &redacted{e.Err, text}
	}
	return e
}

// Address is the URL of a key, or of the remote if it is empty, as people may see
// it: without the password that a URL may hold.
func (c *Config) Address(key string) string {
	text := c.URL
	if scheme, rest, ok := strings.Cut(text, "://"); ok {
		host, tail, slash := strings.Cut(rest, "/")
		if i := strings.LastIndexByte(host, '@'); i >= 0 {
			user, _, _ := strings.Cut(host[:i], ":")
			host = user + host[i:]
		}
		if text = scheme + "://" + host; slash {
			text += "/" + tail
		}
	}
	if key == "" {
		return text
	}
	return strings.TrimRight(text, "/") + "/" + key
}

// secrets are the options of all kinds that nobody may see.
var secrets = []string{
	"password", "passphrase", "token", "custom_auth_header", "access_key_id", "secret_access_key", "session_token",
	"sse_customer_key", "sse_kms_key_id", "connection_string", "sas_token", "account_key", "client_secret",
}

func isSecret(option string) bool {
	for _, s := range secrets {
		if s == option {
			return true
		}
	}
	return false
}
