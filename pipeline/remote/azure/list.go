package azure

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/reprodl/reprodl/pipeline/remote"
)

// below is the prefix of the container's names that a prefix of ours stands for.
func (s *store) below(prefix string) string {
	if s.prefix == "" {
		return prefix
	}
	return s.prefix + "/" + prefix
}

// ours is the inverse: a key as callers know it. Directories, which some accounts
// have, are no objects.
func (s *store) ours(item *container.BlobItem) (string, bool) {
	key := text(item.Name)
	if s.prefix != "" {
		key = strings.TrimPrefix(key, s.prefix+"/")
	}
	dir := item.Properties == nil || strings.EqualFold(text(item.Properties.ResourceType), "directory")
	return key, key != "" && !strings.HasSuffix(key, "/") && !dir
}

// info tells of a listed blob.
func info(key string, item *container.BlobItem) remote.Info {
	return remote.Info{Key: key, Size: size(item.Properties.ContentLength), ETag: tag(item.Properties.ETag), Version: text(item.VersionID)}
}

// items goes through the blobs by name.
func (s *store) items(ctx context.Context, prefix string, versions bool) iter.Seq2[*container.BlobItem, error] {
	return func(yield func(*container.BlobItem, error) bool) {
		below := s.below(prefix)
		pages := s.client.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{
			Prefix: &below, Include: container.ListBlobsInclude{Versions: versions},
		})
		for pages.More() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(nil, s.fail("list", prefix, err))
				return
			}
			if page.Segment == nil {
				continue
			}
			for _, item := range page.Segment.BlobItems {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}

// List goes through the blobs in pages of 5,000. A page that fails ends it with
// an error: what came before is valid, but not all.
func (s *store) List(ctx context.Context, prefix string) iter.Seq2[remote.Info, error] {
	return func(yield func(remote.Info, error) bool) {
		for item, err := range s.items(ctx, prefix, false) {
			if err != nil {
				yield(remote.Info{}, err)
				return
			}
			if key, ok := s.ours(item); ok && !yield(info(key, item), nil) {
				return
			}
		}
	}
}

// ListVersions collects the versions of a key, which the server lists oldest
// first. It has no mark for a deletion: a key none of whose versions is the
// current one gets one here.
func (s *store) ListVersions(ctx context.Context, prefix string) iter.Seq2[remote.Info, error] {
	return func(yield func(remote.Info, error) bool) {
		var same []remote.Info
		current := false
		flush := func() bool {
			if len(same) > 0 && !current && same[0].Version != "" {
				same = append(same, remote.Info{Key: same[0].Key, Deleted: true})
			}
			for _, i := range slices.Backward(same) {
				if !yield(i, nil) {
					return false
				}
			}
			same, current = same[:0], false
			return true
		}
		for item, err := range s.items(ctx, prefix, true) {
			if err != nil {
				yield(remote.Info{}, err)
				return
			}
			key, ok := s.ours(item)
			if !ok {
				continue
			}
			if len(same) > 0 && same[0].Key != key && !flush() {
				return
			}
			same = append(same, info(key, item))
			current = current || item.IsCurrentVersion != nil && *item.IsCurrentVersion
		}
		flush()
	}
}
