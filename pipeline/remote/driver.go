package remote

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/reprodl/reprodl/pipeline/config"
)

// An Opener makes a Remote of its kind. It may connect, or leave that to the
// first call.
type Opener func(ctx context.Context, c Config) (Remote, error)

var drivers struct {
	sync.RWMutex
	byScheme map[string]Opener
}

// Register makes a kind of remote known by the scheme of its URLs ("s3"), in the
// configuration and as a source of imports, too.
// Drivers call it when they are initialised; two for one scheme are a mistake
// of the program and panic.
func Register(scheme string, open Opener) {
	drivers.Lock()
	defer drivers.Unlock()
	if _, twice := drivers.byScheme[scheme]; twice {
		panic("remote: two drivers for " + scheme + "://")
	}
	if drivers.byScheme == nil {
		drivers.byScheme = map[string]Opener{}
	}
	drivers.byScheme[scheme] = open
	config.AddScheme(scheme)
}

// Open opens a remote with the driver for its URL. A URL of the form
// remote://NAME/path must have been replaced by [Config.Resolve].
func Open(ctx context.Context, c Config) (Remote, error) {
	scheme := c.Scheme()
	if scheme == "" || scheme == "file" {
		return openDir(c)
	}
	drivers.RLock()
	open := drivers.byScheme[scheme]
	drivers.RUnlock()
	if open == nil {
		return nil, &DriverError{Remote: c.Name, Scheme: scheme}
	}
	return open(ctx, c)
}

// DriverError says that no driver is there for a URL's scheme.
type DriverError struct {
	Remote, Scheme string
}

// ours are the schemes that a sub-package serves.
var ours = map[string]string{
	"s3": "s3", "gs": "gs", "azure": "azure", "ssh": "ssh",
	"http": "http", "https": "http", "webdav": "webdav", "webdavs": "webdav",
}

// alternatives are what to use instead of the kinds that DVC has and we do not.
var alternatives = map[string]string{
	"hdfs":    "mount it (hadoop-fuse-dfs) or reach it through an ssh:// gateway",
	"webhdfs": "mount it (hadoop-fuse-dfs) or reach it through an ssh:// gateway",
	"oss":     "OSS speaks S3: use s3://BUCKET with the option endpointurl = https://s3.oss-REGION.aliyuncs.com",
	"gdrive":  "serve it as S3 or SFTP (rclone serve s3, rclone serve sftp) and use s3:// or ssh://",
}

func (e *DriverError) Error() string {
	text := fmt.Sprintf("no driver for %s://", e.Scheme)
	if e.Remote != "" {
		text = fmt.Sprintf("remote '%s': ", e.Remote) + text
	}
	if pkg, ok := ours[e.Scheme]; ok {
		return text + fmt.Sprintf(`; import _ "github.com/reprodl/reprodl/pipeline/remote/%s"`, pkg)
	}
	if how, ok := alternatives[e.Scheme]; ok {
		return text + ": this kind is not supported; " + how
	}
	return text + "; there are drivers for " + strings.Join(schemes(), ", ")
}

// Schemes lists the schemes that there are drivers for in this program, sorted.
func Schemes() []string {
	drivers.RLock()
	defer drivers.RUnlock()
	return slices.Sorted(maps.Keys(drivers.byScheme))
}

func schemes() []string {
	var list []string
	for s := range ours {
		list = append(list, s+"://")
	}
	slices.Sort(list)
	return list
}

// JoinKey puts a key below the path in a remote's URL.
func JoinKey(prefix, key string) string { return strings.TrimLeft(path.Join(prefix, key), "/") }
