package mlflow

import (
	"encoding/json"
	"math"
	"os"
	"os/user"
	"path"
	"path/filepath"
	"runtime/debug"
	"strings"
	"unicode"

	"github.com/reprodl/reprodl/live"
	"github.com/reprodl/reprodl/params/ordered"
	"github.com/reprodl/reprodl/params/pyjson"
)

// entry is one line of a spool: exactly one of its fields is set. The names in
// JSON of what goes to the server are those of MLflow's REST API.
type entry struct {
	Metric *metric   `json:"metric,omitempty"`
	Param  *keyValue `json:"param,omitempty"`
	Tag    *keyValue `json:"tag,omitempty"`
	File   *upload   `json:"file,omitempty"`
	End    *runEnd   `json:"end,omitempty"`
}

type metric struct {
	Key       string `json:"key"`
	Value     number `json:"value"`
	Timestamp int64  `json:"timestamp"` // milliseconds since 1970
	Step      int    `json:"step"`
}

type keyValue struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// upload is an artifact: the path of its copy in the spool, and the one it has
// in the run, both with slashes.
type upload struct {
	Copy string `json:"copy"`
	Path string `json:"path"`
}

type runEnd struct {
	Status string `json:"status"`
	Time   int64  `json:"end_time"`
}

// The states of a run.
const (
	statusRunning  = "RUNNING"
	statusFinished = "FINISHED"
	statusFailed   = "FAILED"
)

// number is a float64 in the JSON of protocol buffers, in which the numbers
// that JSON lacks are strings.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	switch f := float64(n); {
	case math.IsNaN(f):
		return []byte(`"NaN"`), nil
	case math.IsInf(f, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(f, -1):
		return []byte(`"-Infinity"`), nil
	}
	return json.Marshal(float64(n))
}

func (n *number) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case `"NaN"`:
		*n = number(math.NaN())
	case `"Infinity"`:
		*n = number(math.Inf(1))
	case `"-Infinity"`:
		*n = number(math.Inf(-1))
	default:
		return json.Unmarshal(data, (*float64)(n))
	}
	return nil
}

// entries makes the entries of a record. Images and artifacts are copied into
// the spool.
func (s *spool) entries(r live.Record) ([]entry, error) {
	switch r.Kind {
	case live.ScalarRecord:
		return []entry{{Metric: &metric{Key: validName(r.Name), Value: number(r.Value), Timestamp: millis(r.Time), Step: r.Step}}}, nil
	case live.TextRecord:
		return []entry{tagEntry(r.Name, r.Text)}, nil
	case live.ParamsRecord:
		return paramEntries(nil, "", r.Params), nil
	case live.ImageRecord:
		copied, err := s.keep(r.Encoded)
		if err != nil {
			return nil, err
		}
		return []entry{{File: &upload{copied, path.Join("images", artifactPath(r.Name))}}}, nil
	case live.ArtifactRecord:
		return s.keepTree(r.Path, artifactPath(r.Name))
	}
	return nil, nil
}

// Lengths in characters up to which MLflow keeps values. Its clients cut
// longer ones off, too.
const (
	maxParam = 6000
	maxTag   = 8000
)

func tagEntry(key, value string) entry {
	return entry{Tag: &keyValue{validName(key), truncate(value, maxTag)}}
}

// paramEntries flattens nested parameters by their path. Values have Python's
// text, as those of MLflow's clients have.
func paramEntries(out []entry, prefix string, m *ordered.Map) []entry {
	for key, v := range m.All() {
		name := prefix + pyjson.Str(key)
		if nested, ok := v.(*ordered.Map); ok && nested.Len() > 0 {
			out = paramEntries(out, name+".", nested)
			continue
		}
		out = append(out, entry{Param: &keyValue{validName(name), truncate(pyjson.Str(v), maxParam)}})
	}
	return out
}

func truncate(s string, limit int) string {
	n := 0
	for i := range s {
		if n == limit {
			return s[:i]
		}
		n++
	}
	return s
}

// validName gives a name the form that validate_param_and_metric_name of MLflow
// accepts on every system (a colon is refused on Windows only), and
// path_not_unique: it has to stay the same when it is taken for a path.
func validName(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_-./ ", r) {
			return r
		}
		return '_'
	}, strings.ToValidUTF8(name, "_"))
	if name = localPath(name); strings.HasPrefix(name, "..") {
		name = "_" + name // ..a is a plain name, but MLflow looks at two characters only
	}
	return name
}

// artifactPath is the path of an artifact in its run.
func artifactPath(name string) string { return localPath(filepath.ToSlash(name)) }

// localPath cleans a slash-separated path and keeps it below its root.
func localPath(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if name == "" {
		return "_"
	}
	return name
}

// tags are the tags that a run begins with: what the options say, and what
// MLflow's clients find out about the program.
func (o *Options) tags() []keyValue {
	tags := ordered.New("mlflow.source.type", "LOCAL")
	if exe, err := os.Executable(); err == nil {
		tags.Set("mlflow.source.name", exe)
	}
	if u, err := user.Current(); err == nil {
		tags.Set("mlflow.user", u.Username)
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				tags.Set("mlflow.source.git.commit", setting.Value)
			}
		}
	}
	for key, value := range o.Tags {
		tags.Set(key, value)
	}
	var out []keyValue
	for key, value := range tags.All() {
		out = append(out, keyValue{key.(string), truncate(value.(string), maxTag)})
	}
	return out
}
