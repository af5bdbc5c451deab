package values

import (
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/reprodl/reprodl/params"
)

// plotData is the content of a data file of a plot.
type plotData struct {
	content any    // of a table or a tree of values
	image   []byte // of an image
	err     *ValueError
}

var imageTypes = []string{".jpg", ".jpeg", ".gif", ".png", ".svg"}

// isImage goes by the ending alone, and by its case: for DVC "a.PNG" is a file
// of no known type.
func isImage(name string) bool { return slices.Contains(imageTypes, path.Ext(name)) }

// beginsWith reports whether s begins with a pattern, or with the text itself
// if it is no pattern.
// DVC uses re.match, which ties a pattern to the beginning and not to the end. What
// Go's syntax lacks (lookaround, references) is compared as text.
func beginsWith(pattern, s string) bool {
	re, err := regexp.Compile("^(?:" + pattern + ")")
	return strings.HasPrefix(s, pattern) || err == nil && re.MatchString(s)
}

// loadPlot reads a data file, named relative to the working directory.
func (v *view) loadPlot(shown string, header bool) *plotData {
	name := v.fromUser([]string{shown})[0]
	ext := path.Ext(name)
	switch {
	case isImage(name):
	case slices.Contains([]string{".json", ".yaml", ".yml", ".toml", ".py"}, ext):
		f := v.values(name)
		if f.Err != nil && f.Err.corrupted() {
			f.Err = corruptedPlot(name, v.show(name), f.Err.Err)
		}
		return &plotData{content: f.Data, err: f.Err}
	case ext != ".csv" && ext != ".tsv":
		return &plotData{err: &ValueError{Type: "PlotMetricTypeError", Msg: "'" + shown + "' - file type error\n" +
			"Only JSON, YAML, CSV and TSV formats are supported."}}
	}
	data, err := v.read(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &plotData{err: missing(name, err)}
	case err != nil:
		return &plotData{err: &ValueError{Type: "OSError", Msg: err.Error(), Err: err}}
	case isImage(name):
		return &plotData{image: data}
	}
	if !utf8.Valid(data) {
		return &plotData{err: corruptedPlot(name, v.show(name), errEncoding)}
	}
	rows, err := readTable(string(data), ext == ".tsv", header)
	if err != nil {
		return &plotData{err: &ValueError{Type: "Error", Msg: err.Error(), Err: err}}
	}
	return &plotData{content: rows}
}

// corruptedPlot is corrupted in the words of DVC's plots, which spell the encoding
// in another way.
func corruptedPlot(name, shown string, err error) *ValueError {
	e := corrupted(name, shown, err)
	e.Msg = strings.Replace(e.Msg, "utf-8", "utf8", 1)
	return e
}

// readTable reads separated values; all of them stay strings, as in DVC, whose
// rows come from csv.DictReader. Without a header the columns are called 0, 1,
// ….
func readTable(text string, tabs, header bool) ([]any, error) {
	r := csv.NewReader(strings.NewReader(text))
	// Python's csv module takes rows of any length and quotes in the middle of a
	// cell; DictReader, which DVC uses, fills short rows with None, and puts what is
	// beyond the header under the key None.
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	if tabs {
		r.Comma = '\t'
	}
	var names []string
	rows := []any{}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		// The first row has the names, or at least their number.
		if names == nil {
			names = record
			if header {
				continue
			}
			names = nil
			for i := range record {
				names = append(names, strconv.Itoa(i))
			}
		}
		row := &params.Map{}
		for i, n := range names {
			if i < len(record) {
				row.Set(n, record[i])
			} else {
				row.Set(n, nil)
			}
		}
		if len(record) > len(names) {
			row.Set(nil, texts(record[len(names):]))
		}
		rows = append(rows, row)
	}
}

func texts(list []string) []any {
	all := make([]any, len(list))
	for i, s := range list {
		all[i] = s
	}
	return all
}
