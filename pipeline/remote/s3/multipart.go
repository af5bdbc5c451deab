package s3

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/reprodl/reprodl/pipeline/remote"
)

const (
	maxParts    = 10_000 // S3's limit
	partsAtOnce = 4      // of one file
)

// sizes are those of files that are sent in parts, and of the parts.
type sizes struct{ multipart, part int64 }

// Both are far above 5 MiB, the least that S3 takes for a part but the last.
var defaultSizes = sizes{multipart: 100 << 20, part: 32 << 20}

func isEOF(err error) bool { return err == io.EOF }

// upload is a file on its way in parts. Parts go straight from the source to
// the connection: memory does not depend on their size.
type upload struct {
	b    *bucket
	key  string
	src  remote.Source
	part int64 // bytes of each but the last
	id   *string
	done []types.CompletedPart // by part number; without an ETag: still to be sent
}

// putParts sends a large file. What an earlier call left unfinished is
// continued, if key and digest say that it was the same content; a call that
// breaks off for a reason that may pass leaves its parts for the next.
func (b *bucket) putParts(ctx context.Context, key string, src remote.Source) (remote.Info, error) {
	u := &upload{b: b, key: key, src: src, part: b.sizes.part}
	// Parts grow only where there would be too many. The size of parts follows from
	// the file's alone, so that another run cuts it the same way and can go on.
	for u.part*maxParts < src.Size {
		u.part *= 2
	}
	// At least one part: only files of the size for parts get here.
	u.done = make([]types.CompletedPart, (src.Size+u.part-1)/u.part)
	if err := u.begin(ctx); err != nil {
		return remote.Info{}, err
	}
	info, err := u.run(ctx)
	var e *remote.Error
	// S3 keeps, and charges for, the parts of an open upload until it is aborted. A
	// cancelled call leaves them as well: whoever pushes again goes on with them.
	if err != nil && ctx.Err() == nil && !(errors.As(err, &e) && e.Temporary) {
		b.client.AbortMultipartUpload(context.WithoutCancel(ctx), &s3.AbortMultipartUploadInput{Bucket: &b.name, Key: b.key(key), UploadId: u.id})
	}
	return info, err
}

// begin sets u.id: to an upload that is open already, or to a new one.
func (u *upload) begin(ctx context.Context) error {
	if u.addressed() {
		if err := u.resume(ctx); err != nil || u.id != nil {
			return err
		}
	}
	w := &u.b.write
	in := &s3.CreateMultipartUploadInput{
		Bucket: &u.b.name, Key: u.b.key(u.key),
		ServerSideEncryption: w.encryption(), SSEKMSKeyId: w.kmsKey(), ACL: types.ObjectCannedACL(w.acl),
		GrantRead: w.read, GrantReadACP: w.readACP, GrantWriteACP: w.writeACP, GrantFullControl: w.fullControl,
	}
	w.customer(&in.SSECustomerAlgorithm, &in.SSECustomerKey, &in.SSECustomerKeyMD5)
	out, err := u.b.client.CreateMultipartUpload(ctx, in)
	if err != nil {
		return u.b.fail("put", u.key, err)
	}
	u.id = out.UploadId
	return nil
}

// addressed reports whether the key is made of the content's digest. Only then
// is an open upload under it known to be of this content.
func (u *upload) addressed() bool {
	sum := hex.EncodeToString(u.src.MD5)
	return len(sum) == 32 && strings.HasSuffix(u.key, sum[:2]+"/"+sum[2:])
}

// resume looks for an open upload and which of its parts fit. A server that
// cannot tell has none.
func (u *upload) resume(ctx context.Context) error {
	full := *u.b.key(u.key)
	// One page, of 1,000 uploads, is enough: the prefix is the whole key.
	out, err := u.b.client.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{Bucket: &u.b.name, Prefix: &full})
	if err != nil {
		return ctx.Err()
	}
	var newest *types.MultipartUpload
	for i, open := range out.Uploads {
		if aws.ToString(open.Key) != full {
			continue
		}
		// Several pushes may have been cut off; the last has most likely the most parts.
		if newest == nil || aws.ToTime(open.Initiated).After(aws.ToTime(newest.Initiated)) {
			newest = &out.Uploads[i]
		}
	}
	if newest == nil {
		return nil
	}
	pages := s3.NewListPartsPaginator(u.b.client, &s3.ListPartsInput{Bucket: &u.b.name, Key: &full, UploadId: newest.UploadId})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return ctx.Err()
		}
		for _, p := range page.Parts {
			// Other sizes come from a program that cuts the file in another way.
			if n := int(aws.ToInt32(p.PartNumber)); n >= 1 && n <= len(u.done) && aws.ToInt64(p.Size) == u.length(n) {
				u.done[n-1] = types.CompletedPart{PartNumber: p.PartNumber, ETag: p.ETag}
			}
		}
	}
	u.id = newest.UploadId
	return nil
}

// length is the size of a part, numbered from 1.
func (u *upload) length(n int) int64 { return min(u.part, u.src.Size-int64(n-1)*u.part) }

// run sends the missing parts and closes the upload. Each goroutine writes its own
// element of done, so that no lock is needed; Wait orders that before the reading.
func (u *upload) run(ctx context.Context) (remote.Info, error) {
	g, sending := errgroup.WithContext(ctx)
	g.SetLimit(partsAtOnce)
	for i := range u.done {
		if u.done[i].ETag != nil {
			continue
		}
		g.Go(func() error {
			select {
			// Two limits: partsAtOnce for this file, and parts for all files that are on their
			// way, whose number would be multiplied otherwise.
			case u.b.parts <- struct{}{}:
				defer func() { <-u.b.parts }()
			case <-sending.Done():
				return context.Cause(sending)
			}
			return u.send(sending, i+1)
		})
	}
	if err := g.Wait(); err != nil {
		return remote.Info{}, err
	}
	if err := u.checkEnd(); err != nil {
		return remote.Info{}, err
	}
	out, err := u.b.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &u.b.name, Key: u.b.key(u.key), UploadId: u.id, MultipartUpload: &types.CompletedMultipartUpload{Parts: u.done},
	}, func(o *s3.Options) { o.HTTPClient = u.b.slow }) // putting gigabytes together takes its time
	if err != nil {
		return remote.Info{}, u.b.fail("put", u.key, err)
	}
	return remote.Info{Key: u.key, Size: u.src.Size, ETag: etag(out.ETag), Version: aws.ToString(out.VersionId)}, nil
}

// checkEnd: if the last part came from an earlier run, nobody has looked yet
// whether the file is still as long.
func (u *upload) checkEnd() error {
	r, err := u.src.Exact(u.src.Size, 0)
	if err == nil {
		if _, err = r.Read(make([]byte, 1)); isEOF(err) {
			err = nil
		}
		err = errors.Join(err, r.Close())
	}
	if err != nil {
		return u.b.cfg.Fail("put", u.key, err)
	}
	return nil
}

// send stores one part. Where its ETag is a digest it must be that of what was
// read.
func (u *upload) send(ctx context.Context, n int) error {
	length := u.length(n)
	r, err := u.src.Exact(int64(n-1)*u.part, length)
	if err != nil {
		return u.b.cfg.Fail("put", u.key, err)
	}
	defer r.Close()
	// The parts of a key are checked one by one, as the ETag of the whole is no digest
	// of it: S3 makes that of the parts'.
	sum := md5.New()
	in := &s3.UploadPartInput{
		Bucket: &u.b.name, Key: u.b.key(u.key), UploadId: u.id, PartNumber: aws.Int32(int32(n)),
		Body: tee{r, sum}, ContentLength: &length,
	}
	u.b.write.customer(&in.SSECustomerAlgorithm, &in.SSECustomerKey, &in.SSECustomerKeyMD5)
	// Content-MD5 would take reading the part twice; the ETag is compared instead.
	out, err := u.b.client.UploadPart(ctx, in, unsigned)
	if err != nil {
		return u.b.fail("put", u.key, err)
	}
	got, want := etag(out.ETag), hex.EncodeToString(sum.Sum(nil))
	// With KMS or a customer's key S3's ETag is not the MD5 of the content.
	if len(got) == 32 && got != want && u.b.write.kms == "" && u.b.write.secret == nil && !slices.Contains([]string{"aws:kms", "aws:kms:dsse"}, string(out.ServerSideEncryption)) {
		e := u.b.cfg.Fail("put", u.key, fmt.Errorf("part %d arrived as %s, but it is %s", n, got, want))
		e.Temporary = true
		return e
	}
	u.done[n-1] = types.CompletedPart{PartNumber: aws.Int32(int32(n)), ETag: out.ETag}
	return nil
}

// tee hashes what is sent, as a part is read only once.
type tee struct {
	io.Reader
	sum hash.Hash
}

func (t tee) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	t.sum.Write(p[:n])
	return n, err
}
