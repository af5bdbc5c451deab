// Package s3 is the driver for s3:// remotes: buckets of Amazon S3 and of the
// servers that speak its protocol. It is imported for effect.
//
//	import _ "github.com/reprodl/reprodl/pipeline/remote/s3"
//
// All of DVC's options for s3 are understood. Credentials come from the options
// or else from wherever the AWS command line finds them: environment, shared
// files with profiles, SSO, credential_process, web identity, container, EC2.
package s3

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/reprodl/reprodl/pipeline/remote"
)

func init() { remote.Register("s3", open) }

// bucket is a prefix in a bucket.
type bucket struct {
	cfg        remote.Config
	client     *s3.Client
	name       string
	prefix     string // without slashes at its ends; may be empty
	tried      []string
	files      awsFiles
	profile    string
	addressing string // "path", "virtual" or "auto"; empty = not said
	custom     bool   // an endpoint of its own: not Amazon's, and perhaps an old server
	write      writeOptions
	slow       s3.HTTPClient // without a limit on how long the response takes to begin
	parts      chan struct{} // parts being sent, of all files
	sizes      sizes

	checked sync.Once // that the bucket exists
	absent  error
}

var _ remote.Versioned = (*bucket)(nil)

func (b *bucket) key(key string) *string { return aws.String(remote.JoinKey(b.prefix, key)) }

func (b *bucket) Stat(ctx context.Context, key string) (remote.Info, error) {
	return b.StatVersion(ctx, key, "")
}

// StatVersion is Stat for one version; "" is the newest.
func (b *bucket) StatVersion(ctx context.Context, key, version string) (remote.Info, error) {
	in := &s3.HeadObjectInput{Bucket: &b.name, Key: b.key(key)}
	if version != "" {
		in.VersionId = &version
	}
	b.write.customer(&in.SSECustomerAlgorithm, &in.SSECustomerKey, &in.SSECustomerKeyMD5)
	out, err := b.client.HeadObject(ctx, in)
	if err != nil {
		err = b.fail("stat", key, err)
		if errors.Is(err, remote.ErrNotFound) {
			if absent := b.exists(ctx); absent != nil {
				return remote.Info{}, absent
			}
		}
		return remote.Info{}, err
	}
	return remote.Info{Key: key, Size: aws.ToInt64(out.ContentLength), ETag: etag(out.ETag), Version: aws.ToString(out.VersionId)}, nil
}

// exists tells a missing bucket from a missing object, which the response to a
// HEAD cannot. It asks once.
func (b *bucket) exists(ctx context.Context) error {
	b.checked.Do(func() {
		_, err := b.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.name})
		if status(err) == http.StatusNotFound {
			b.absent = b.noBucket("connect", "", err)
		}
	})
	return b.absent
}

func (b *bucket) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	return b.OpenVersion(ctx, key, "", offset, length)
}

// OpenVersion reads length bytes from offset on; a negative length is all that
// follows. An empty range cannot be written in HTTP, so 0 asks nothing.
func (b *bucket) OpenVersion(ctx context.Context, key, version string, offset, length int64) (io.ReadCloser, error) {
	if length == 0 {
		return http.NoBody, nil
	}
	in := &s3.GetObjectInput{Bucket: &b.name, Key: b.key(key)}
	if version != "" {
		in.VersionId = &version
	}
	if offset > 0 || length > 0 {
		r := "bytes=" + strconv.FormatInt(offset, 10) + "-"
		if length > 0 {
			r += strconv.FormatInt(offset+length-1, 10)
		}
		in.Range = &r
	}
	b.write.customer(&in.SSECustomerAlgorithm, &in.SSECustomerKey, &in.SSECustomerKeyMD5)
	out, err := b.client.GetObject(ctx, in)
	if err != nil {
		return nil, b.fail("get", key, err)
	}
	return &body{b: b, key: key, ReadCloser: out.Body}, nil
}

// body makes Errors of what breaks while an object is read.
type body struct {
	b   *bucket
	key string
	io.ReadCloser
}

func (r *body) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = r.b.fail("get", r.key, err)
	}
	return n, err
}

// Remove deletes 1,000 keys a request, the most that S3 takes.
func (b *bucket) Remove(ctx context.Context, keys ...string) error {
	for len(keys) > 0 {
		n := min(1000, len(keys))
		if err := b.removeBatch(ctx, keys[:n]); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

// removeBatch deletes the keys of one request. Each has its own result; a key that
// isn't there is no error.
func (b *bucket) removeBatch(ctx context.Context, keys []string) error {
	batch := make([]types.ObjectIdentifier, len(keys))
	for i, key := range keys {
		batch[i].Key = b.key(key)
	}
	out, err := b.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: &b.name, Delete: &types.Delete{Objects: batch, Quiet: aws.Bool(true)},
	}, b.withContentMD5)
	if err != nil {
		return b.fail("remove", keys[0], err)
	}
	for _, e := range out.Errors {
		// What was not there is as good as removed; the first other error is told.
		if code := aws.ToString(e.Code); code != "NoSuchKey" {
			key := strings.TrimPrefix(strings.TrimPrefix(aws.ToString(e.Key), b.prefix), "/")
			return b.fail("remove", key, &codeError{code, aws.ToString(e.Message)})
		}
	}
	return nil
}

// withContentMD5 sends the digest that servers older than the SDK insist on.
func (b *bucket) withContentMD5(o *s3.Options) {
	if b.custom {
		o.APIOptions = append(o.APIOptions, smithyhttp.AddContentChecksumMiddleware)
	}
}

// unsigned leaves the payload out of the signature. The SDK would read it twice
// to sign it over plain HTTP; Content-MD5, which is signed, protects it as well.
func unsigned(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
}

// etag is the tag without the quotes that HTTP puts around it.
func etag(s *string) string { return strings.Trim(aws.ToString(s), `"`) }
