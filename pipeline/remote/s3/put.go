package s3

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/reprodl/reprodl/pipeline/remote"
)

// writeOptions say how objects are encrypted and who may read them.
// Nil and empty mean that S3's own setting for the bucket counts. The two ways to
// encrypt with a key, and acl and the grants, exclude each other.
type writeOptions struct {
	sse, kms                             string
	algorithm, secret, secretMD5         *string // SSE-C, also needed to read
	acl                                  string
	read, readACP, writeACP, fullControl *string
}

func newWriteOptions(c *remote.Config) (w writeOptions, err error) {
	w.sse, w.kms, w.acl = c.Get("sse"), c.Get("sse_kms_key_id"), c.Get("acl")
	if secret := c.Get("sse_customer_key"); secret != "" {
		if w.kms != "" {
			return w, fmt.Errorf("remote '%s': sse_kms_key_id and sse_customer_key exclude each other", c.Name)
		}
		raw, err := base64.StdEncoding.DecodeString(secret)
		if err != nil {
			return w, fmt.Errorf("remote '%s': sse_customer_key is not in base64", c.Name)
		}
		sum := md5.Sum(raw)
		w.secret, w.secretMD5 = &secret, aws.String(base64.StdEncoding.EncodeToString(sum[:]))
		w.algorithm = aws.String("AES256")
		if a := c.Get("sse_customer_algorithm"); a != "" {
			w.algorithm = &a
		}
	}
	// S3 refuses a request with both; this says so before anything is sent.
	for option, field := range map[string]**string{
		"grant_read": &w.read, "grant_read_acp": &w.readACP, "grant_write_acp": &w.writeACP, "grant_full_control": &w.fullControl,
	} {
		if value := c.Get(option); value != "" {
			if w.acl != "" {
				return w, fmt.Errorf("remote '%s': acl and %s exclude each other", c.Name, option)
			}
			*field = &value
		}
	}
	return w, nil
}

// customer fills in the key of SSE-C.
func (w *writeOptions) customer(algorithm, secret, secretMD5 **string) {
	*algorithm, *secret, *secretMD5 = w.algorithm, w.secret, w.secretMD5
}

// kmsKey is nil unless one is configured: an empty one is not the default one.
func (w *writeOptions) kmsKey() *string {
	if w.kms == "" {
		return nil
	}
	return &w.kms
}

// encryption follows the key: one of KMS that is named is meant to be used.
func (w *writeOptions) encryption() types.ServerSideEncryption {
	if w.sse == "" && w.kms != "" {
		return types.ServerSideEncryptionAwsKms
	}
	return types.ServerSideEncryption(w.sse)
}

// Put sends an object in one request, a large one in parts. It appears when it is
// complete; one that is there is replaced.
func (b *bucket) Put(ctx context.Context, key string, src remote.Source) (remote.Info, error) {
	if src.Size >= b.sizes.multipart {
		return b.putParts(ctx, key, src)
	}
	r, err := src.Exact(0, src.Size)
	if err != nil {
		return remote.Info{}, b.cfg.Fail("put", key, err)
	}
	defer r.Close()
	in := &s3.PutObjectInput{
		Bucket: &b.name, Key: b.key(key), Body: r, ContentLength: &src.Size,
		ServerSideEncryption: b.write.encryption(), SSEKMSKeyId: b.write.kmsKey(), ACL: types.ObjectCannedACL(b.write.acl),
		GrantRead: b.write.read, GrantReadACP: b.write.readACP, GrantWriteACP: b.write.writeACP, GrantFullControl: b.write.fullControl,
	}
	b.write.customer(&in.SSECustomerAlgorithm, &in.SSECustomerKey, &in.SSECustomerKeyMD5)
	// With it S3 itself refuses what was damaged on the way.
	if len(src.MD5) > 0 {
		in.ContentMD5 = aws.String(base64.StdEncoding.EncodeToString(src.MD5))
	}
	if src.Size == 0 { // the end of the source is checked all the same
		if _, err := r.Read(make([]byte, 1)); err == nil || !isEOF(err) {
			return remote.Info{}, b.cfg.Fail("put", key, err)
		}
		in.Body = nil
	}
	out, err := b.client.PutObject(ctx, in, unsigned)
	if err != nil {
		return remote.Info{}, b.fail("put", key, err)
	}
	return remote.Info{Key: key, Size: src.Size, ETag: etag(out.ETag), Version: aws.ToString(out.VersionId)}, nil
}
