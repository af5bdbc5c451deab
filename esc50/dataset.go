package esc50

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// ErrDataset is wrapped by every error about a missing or damaged data set.
var ErrDataset = errors.New("not a complete ESC-50 data set")

const (
	metaFile = "meta/esc50.csv"
	audioDir = "audio"
	// maxTarget bounds the class numbers; many lists are as long as the largest.
	maxTarget = 9999
	advice    = "get ESC-50 with `git clone https://github.com/karolpiczak/ESC-50` (600 MB, CC BY-NC), or as a zip with esc50.Download, and give its directory or zip"
)

// Clip is one row of meta/esc50.csv.
type Clip struct {
	File     string // base name in audio/
	Fold     int    // 1 to 5
	Target   int    // class number
	Category string // class name
	ESC10    bool   // part of the ESC-10 subset
	Source   string // Freesound id of the recording the clip was cut from
	Take     string // letter of the cut
}

// Dataset is an opened data set: its clips in the order of the file, and where
// their audio is.
type Dataset struct {
	Clips []Clip
	fsys  fs.FS
	close func() error
}

// Open reads the metadata of the data set in fsys, as published: audio/*.wav
// and meta/esc50.csv, at the top or in its only directory (as in the zip that
// GitHub makes). It checks that every listed clip is there. Errors wrap
// ErrDataset and say how to get ESC-50.
func Open(fsys fs.FS) (*Dataset, error) {
	root, err := findRoot(fsys)
	if err != nil {
		return nil, err
	}
	sub, err := fs.Sub(fsys, root)
	if err != nil {
		return nil, err
	}
	data, err := fs.ReadFile(sub, metaFile)
	if err != nil {
		return nil, datasetError("%w", err)
	}
	d := &Dataset{fsys: sub, close: func() error { return nil }}
	if d.Clips, err = parseMeta(data); err != nil {
		return nil, datasetError("%s: %w", path.Join(root, metaFile), err)
	}
	if err := d.checkAudio(); err != nil {
		return nil, err
	}
	return d, nil
}

// OpenPath opens the directory or zip file with that name. Close releases the
// zip.
func OpenPath(name string) (*Dataset, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, datasetError("%w", err)
	}
	if info.IsDir() {
		d, err := Open(os.DirFS(name))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return d, nil
	}
	z, err := zip.OpenReader(name)
	if err != nil {
		return nil, datasetError("%s: %w", name, err)
	}
	d, err := Open(z)
	if err != nil {
		z.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	d.close = z.Close
	return d, nil
}

// Close releases what OpenPath opened; it does nothing after Open.
func (d *Dataset) Close() error { return d.close() }

func datasetError(format string, args ...any) error {
	return fmt.Errorf("%w: %w; %s", ErrDataset, fmt.Errorf(format, args...), advice)
}

func findRoot(fsys fs.FS) (string, error) {
	if _, err := fs.Stat(fsys, metaFile); err == nil {
		return ".", nil
	}
	found, err := fs.Glob(fsys, "*/"+metaFile)
	if err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", datasetError("no %s", metaFile)
	}
	return strings.TrimSuffix(found[0], "/"+metaFile), nil
}

// parseMeta reads the rows of esc50.csv; columns are found by name.
func parseMeta(data []byte) ([]Clip, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("no header: %w", err)
	}
	column := map[string]int{}
	for i, name := range header {
		column[strings.TrimSpace(name)] = i
	}
	for _, name := range []string{"filename", "fold", "target", "category", "esc10"} {
		if _, ok := column[name]; !ok {
			return nil, fmt.Errorf("line 1: no column %q in %q", name, header)
		}
	}
	rows, err := r.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("no clips")
	}
	check := metaCheck{files: map[string]int{}, category: map[int]string{}}
	clips := make([]Clip, len(rows))
	for i, row := range rows {
		field := func(name string) string {
			if at, ok := column[name]; ok {
				return row[at]
			}
			return ""
		}
		if clips[i], err = parseClip(field); err == nil {
			err = check.add(clips[i], i+2)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+2, err)
		}
	}
	return clips, nil
}

func parseClip(field func(string) string) (Clip, error) {
	c := Clip{File: field("filename"), Category: field("category"), Source: field("src_file"), Take: field("take")}
	if !fs.ValidPath(c.File) || c.File == "." || strings.ContainsAny(c.File, `/\`) {
		return c, fmt.Errorf("filename %q isn't the name of a file in %s", c.File, audioDir)
	}
	var err error
	if c.Fold, err = strconv.Atoi(field("fold")); err != nil || c.Fold < 1 || c.Fold > 99 {
		return c, fmt.Errorf("fold is %q, want a number from 1", field("fold"))
	}
	if c.Target, err = strconv.Atoi(field("target")); err != nil || c.Target < 0 || c.Target > maxTarget {
		return c, fmt.Errorf("target is %q, want a number from 0", field("target"))
	}
	switch v := strings.ToLower(field("esc10")); v {
	case "true", "false":
		c.ESC10 = v == "true"
	default:
		return c, fmt.Errorf("esc10 is %q, want True or False", field("esc10"))
	}
	return c, nil
}

// metaCheck finds rows that contradict earlier ones.
type metaCheck struct {
	files    map[string]int
	category map[int]string
}

func (m metaCheck) add(c Clip, line int) error {
	if first, ok := m.files[c.File]; ok {
		return fmt.Errorf("%s is already on line %d", c.File, first)
	}
	m.files[c.File] = line
	if name, ok := m.category[c.Target]; ok && name != c.Category {
		return fmt.Errorf("target %d is category %q, but was %q before", c.Target, c.Category, name)
	}
	m.category[c.Target] = c.Category
	return nil
}

func (d *Dataset) checkAudio() error {
	entries, err := fs.ReadDir(d.fsys, audioDir)
	if err != nil {
		return datasetError("%w", err)
	}
	present := make(map[string]bool, len(entries))
	for _, e := range entries {
		present[e.Name()] = true
	}
	var missing []string
	for _, c := range d.Clips {
		if !present[c.File] {
			missing = append(missing, c.File)
		}
	}
	if len(missing) > 0 {
		return datasetError("%d of %d clips are missing from %s, the first is %s", len(missing), len(d.Clips), audioDir, missing[0])
	}
	return nil
}

// Subset returns the data set with only the clips that keep returns true for,
// such as Clip.ESC10's. It shares the audio; closing either closes both.
func (d *Dataset) Subset(keep func(Clip) bool) *Dataset {
	s := *d
	s.Clips = nil
	for _, c := range d.Clips {
		if keep(c) {
			s.Clips = append(s.Clips, c)
		}
	}
	return &s
}

// Classes returns the category of every target from 0 to the largest; a target
// without clips has the empty string (most of them, in ESC-10).
func (d *Dataset) Classes() []string {
	var names []string
	for _, c := range d.Clips {
		for len(names) <= c.Target {
			names = append(names, "")
		}
		names[c.Target] = c.Category
	}
	return names
}

// Folds returns the numbers of the folds, sorted: 1 to 5 in ESC-50.
func (d *Dataset) Folds() []int {
	var folds []int
	for _, c := range d.Clips {
		if !slices.Contains(folds, c.Fold) {
			folds = append(folds, c.Fold)
		}
	}
	slices.Sort(folds)
	return folds
}

// Split says which folds are for what. Clips cut from one recording are always
// in one fold, so splitting by folds keeps the parts independent.
type Split struct {
	Train, Val, Test []int // fold numbers
}

// CourseSplit is the course's: folds 1 to 3 train, 4 validates, 5 tests.
func CourseSplit() Split { return Split{Train: []int{1, 2, 3}, Val: []int{4}, Test: []int{5}} }

// KFold returns the splits of a cross-validation over the folds: each is once
// the test fold (and the validation fold, which then only reports), while all
// others train.
func KFold(folds []int) []Split {
	splits := make([]Split, len(folds))
	for i, f := range folds {
		rest := slices.DeleteFunc(slices.Clone(folds), func(g int) bool { return g == f })
		splits[i] = Split{Train: rest, Val: []int{f}, Test: []int{f}}
	}
	return splits
}
