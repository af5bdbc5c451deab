// Package azure is the driver for azure:// remotes: containers of Azure Blob
// Storage and of the servers that speak its protocol. It is imported for effect.
//
//	import _ "github.com/reprodl/reprodl/pipeline/remote/azure"
//
// All of DVC's options for azure are understood. What they leave out comes from
// the environment (AZURE_STORAGE_CONNECTION_STRING, _ACCOUNT, _KEY, _SAS_TOKEN)
// or from the section storage of ~/.azure/config. An account without key or
// token is used with Azure's default credentials: environment, workload
// identity, managed identity, az login, azd auth login. A browser is never
// opened, as DVC's library may do.
package azure

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/each"
)

func init() { remote.Register("azure", open) }

// store is a prefix in a container.
type store struct {
	cfg    remote.Config
	client *container.Client
	name   string
	prefix string // without slashes at its ends; may be empty
	tried  []string
	sizes  sizes
	blocks chan struct{} // blocks being sent, of all files
}

var _ remote.Versioned = (*store)(nil)

func (s *store) blob(key string) *blob.Client {
	return s.client.NewBlobClient(remote.JoinKey(s.prefix, key))
}

// version is a blob as it was; "" is as it is.
func (s *store) version(key, version string) (*blob.Client, error) {
	b := s.blob(key)
	if version == "" {
		return b, nil
	}
	return b.WithVersionID(version)
}

// tag keeps the quotes, which lists leave out.
func tag(e *azcore.ETag) string {
	if e == nil || *e == "" {
		return ""
	}
	if text := string(*e); strings.HasPrefix(text, `"`) {
		return text
	}
	return `"` + string(*e) + `"`
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func size(n *int64) int64 {
	if n == nil {
		return -1
	}
	return *n
}

func (s *store) Stat(ctx context.Context, key string) (remote.Info, error) {
	return s.StatVersion(ctx, key, "")
}

// StatVersion is Stat for one version; "" is the newest.
func (s *store) StatVersion(ctx context.Context, key, version string) (remote.Info, error) {
	b, err := s.version(key, version)
	if err != nil {
		return remote.Info{}, s.fail("stat", key, err)
	}
	got, err := b.GetProperties(ctx, nil)
	if err != nil {
		return remote.Info{}, s.fail("stat", key, err)
	}
	for name, value := range got.Metadata {
		// An account with a hierarchical namespace has its directories among its blobs.
		if strings.EqualFold(name, "hdi_isfolder") && text(value) == "true" {
			e := s.cfg.Fail("stat", key, nil)
			e.Kind = remote.ErrNotFound
			return remote.Info{}, e
		}
	}
	return remote.Info{Key: key, Size: size(got.ContentLength), ETag: tag(got.ETag), Version: text(got.VersionID)}, nil
}

func (s *store) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	return s.OpenVersion(ctx, key, "", offset, length)
}

// OpenVersion reads length bytes from offset on; a negative length is all that
// follows. To the library a count of 0 is everything, so that 0 asks nothing.
func (s *store) OpenVersion(ctx context.Context, key, version string, offset, length int64) (io.ReadCloser, error) {
	if length == 0 {
		return http.NoBody, nil
	}
	b, err := s.version(key, version)
	if err != nil {
		return nil, s.fail("get", key, err)
	}
	got, err := b.DownloadStream(ctx, &blob.DownloadStreamOptions{Range: blob.HTTPRange{Offset: offset, Count: max(0, length)}})
	if err != nil {
		return nil, s.fail("get", key, err)
	}
	return &body{s: s, key: key, ReadCloser: got.Body}, nil
}

// body makes Errors of what breaks while a blob is read.
type body struct {
	s   *store
	key string
	io.ReadCloser
}

func (r *body) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = r.s.fail("get", r.key, err)
	}
	return n, err
}

// Remove deletes with as many requests at a time as there are jobs. A batch would
// need the rights to the whole container, which a token may not give. Snapshots,
// which keep a blob from being deleted, go with it.
func (s *store) Remove(ctx context.Context, keys ...string) error {
	return each.Key(ctx, s.cfg.Concurrency(), keys, func(ctx context.Context, key string) error {
		_, err := s.blob(key).Delete(ctx, &blob.DeleteOptions{DeleteSnapshots: to.Ptr(blob.DeleteSnapshotsOptionTypeInclude)})
		if err != nil {
			if err = s.fail("remove", key, err); errors.Is(err, remote.ErrNotFound) {
				return nil
			}
		}
		return err
	})
}
