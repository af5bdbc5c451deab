package s3

import (
	"context"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/reprodl/reprodl/pipeline/remote"
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

// List goes through the objects in pages, of 1,000 in S3. A page that fails ends
// it with an error: what came before is valid, but not all.
func (b *bucket) List(ctx context.Context, prefix string) iter.Seq2[remote.Info, error] {
	return func(yield func(remote.Info, error) bool) {
		pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: aws.String(b.below(prefix))})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(remote.Info{}, b.fail("list", prefix, err))
				return
			}
			for _, o := range page.Contents {
				key, ok := b.ours(aws.ToString(o.Key))
				if ok && !yield(remote.Info{Key: key, Size: aws.ToInt64(o.Size), ETag: etag(o.ETag)}, nil) {
					return
				}
			}
		}
	}
}

// ListVersions lists all versions of each object, and the marks that deletions
// leave in a bucket with versions. A page has the versions first, then the marks:
// those of one key are not in the order of time.
func (b *bucket) ListVersions(ctx context.Context, prefix string) iter.Seq2[remote.Info, error] {
	return func(yield func(remote.Info, error) bool) {
		pages := s3.NewListObjectVersionsPaginator(b.client, &s3.ListObjectVersionsInput{Bucket: &b.name, Prefix: aws.String(b.below(prefix))})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(remote.Info{}, b.fail("list", prefix, err))
				return
			}
			for _, o := range page.Versions {
				key, ok := b.ours(aws.ToString(o.Key))
				info := remote.Info{Key: key, Size: aws.ToInt64(o.Size), ETag: etag(o.ETag), Version: aws.ToString(o.VersionId)}
				if ok && !yield(info, nil) {
					return
				}
			}
			// A mark has a version of its own, but neither size nor ETag.
			for _, o := range page.DeleteMarkers {
				key, ok := b.ours(aws.ToString(o.Key))
				if ok && !yield(remote.Info{Key: key, Version: aws.ToString(o.VersionId), Deleted: true}, nil) {
					return
				}
			}
		}
	}
}
