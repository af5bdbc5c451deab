package live

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// metricName is what the parts of a metric's name are used for.
type metricName struct {
	file   string   // slash-separated, below plots/metrics, without .tsv
	keys   []string // path in the summary
	header string   // name of the value's column
}

// parseName splits a metric's name. As in DVCLive, the file drops empty and
// "." elements, the summary resolves ".." as well, and the column is named by
// whatever follows the last slash. A name that would leave the directory is
// refused, which DVCLive doesn't do.
func parseName(name string) (metricName, error) {
	file, err := localFile(name)
	if err != nil {
		return metricName{}, err
	}
	return metricName{
		file:   file,
		keys:   strings.Split(path.Clean(name), "/"),
		header: name[strings.LastIndexByte(name, '/')+1:],
	}, nil
}

// localFile drops empty and "." elements from a slash-separated name, and
// refuses one that is absolute, climbs out on its way, or that the system
// reserves.
func localFile(name string) (string, error) {
	refuse := fmt.Errorf("%w: %q would leave the directory", ErrName, name)
	if clean := path.Clean(name); strings.HasPrefix(name, "/") || clean == ".." || strings.HasPrefix(clean, "../") {
		return "", refuse
	}
	if strings.IndexByte(name, 0) >= 0 {
		return "", fmt.Errorf("%w: %q holds a zero byte", ErrName, name)
	}
	var elems []string
	depth := 0
	for elem := range strings.SplitSeq(name, "/") {
		switch elem {
		case "", ".":
			continue
		case "..":
			depth--
		default:
			depth++
		}
		if depth < 0 {
			return "", refuse
		}
		elems = append(elems, elem)
	}
	file := strings.Join(elems, "/")
	if file != "" && !filepath.IsLocal(filepath.FromSlash(file)) {
		return "", fmt.Errorf("%w: %q is no file name on this system", ErrName, name)
	}
	return file, nil
}

// joinRaw joins a directory and a slash-separated name without resolving "..",
// so that the folders that the name passes through are made as DVCLive makes
// them.
func joinRaw(dir, name string) string {
	if name == "" {
		return dir
	}
	return dir + string(filepath.Separator) + filepath.FromSlash(name)
}
