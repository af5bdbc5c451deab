package gs

import (
	"cmp"
	"context"
	"iter"
	"net/url"
	"slices"
	"strings"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/web"
)

// below is the prefix of the bucket's keys that a prefix of ours stands for.
func (b *bucket) below(prefix string) string {
	if b.prefix == "" {
		return prefix
	}
	return b.prefix + "/" + prefix
}

// ours is the inverse: a key as callers know it. What ends in a slash is a mark
// of the console's for an empty folder, and no object.
func (b *bucket) ours(key string) (string, bool) {
	if b.prefix != "" {
		key = strings.TrimPrefix(key, b.prefix+"/")
	}
	return key, key != "" && !strings.HasSuffix(key, "/")
}

// pages goes through the objects as the server lists them, by name.
func (b *bucket) pages(ctx context.Context, prefix string, versions bool) iter.Seq2[[]object, error] {
	return func(yield func([]object, error) bool) {
		query := url.Values{"prefix": {b.below(prefix)}, "maxResults": {"1000"}, "fields": {"items(" + fields + "),nextPageToken"}}
		if versions {
			query.Set("versions", "true")
		}
		for {
			var page struct {
				Items         []object
				NextPageToken string
			}
			if err := b.get(ctx, web.Request{Op: "list", Key: prefix, URL: b.at("", "", query)}, &page); err != nil {
				yield(nil, err)
				return
			}
			if !yield(page.Items, nil) || page.NextPageToken == "" {
				return
			}
			query.Set("pageToken", page.NextPageToken)
		}
	}
}

// List goes through the objects in pages of 1,000. A page that fails ends it with
// an error: what came before is valid, but not all.
func (b *bucket) List(ctx context.Context, prefix string) iter.Seq2[remote.Info, error] {
	return func(yield func(remote.Info, error) bool) {
		for items, err := range b.pages(ctx, prefix, false) {
			if err != nil {
				yield(remote.Info{}, err)
				return
			}
			for i := range items {
				key, ok := b.ours(items[i].Name)
				if ok && !yield(items[i].info(key), nil) {
					return
				}
			}
		}
	}
}

// ListVersions collects the generations of a key, which Google lists oldest first and
// its emulators do not. It has no mark for a deletion: a key none of whose generations is live
// gets one here.
func (b *bucket) ListVersions(ctx context.Context, prefix string) iter.Seq2[remote.Info, error] {
	return func(yield func(remote.Info, error) bool) {
		var same []object
		flush := func() bool {
			slices.SortFunc(same, func(a, b object) int { // numbers: the longer is the newer
				return cmp.Or(len(b.Generation)-len(a.Generation), cmp.Compare(b.Generation, a.Generation))
			})
			for i := range same {
				key, ok := b.ours(same[i].Name)
				if !ok {
					break
				}
				if i == 0 && same[i].TimeDeleted != "" && !yield(remote.Info{Key: key, Deleted: true}, nil) {
					return false
				}
				if !yield(same[i].info(key), nil) {
					return false
				}
			}
			same = same[:0]
			return true
		}
		for items, err := range b.pages(ctx, prefix, true) {
			if err != nil {
				yield(remote.Info{}, err)
				return
			}
			for _, o := range items {
				if len(same) > 0 && same[0].Name != o.Name && !flush() {
					return
				}
				same = append(same, o)
			}
		}
		flush()
	}
}
