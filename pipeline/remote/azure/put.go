package azure

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc64"
	"io"
	"math/rand/v2"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"golang.org/x/sync/errgroup"

	"github.com/reprodl/reprodl/pipeline/remote"
)

const (
	maxBlocks    = 50_000 // Azure's limit
	blocksAtOnce = 4      // of one file
)

// sizes are those of files that are sent in blocks, and of the blocks.
type sizes struct{ inBlocks, block int64 }

var defaultSizes = sizes{inBlocks: 100 << 20, block: 32 << 20}

// Put sends a blob in one request, a large one in blocks. It appears when it is
// complete; one that is there is replaced.
func (s *store) Put(ctx context.Context, key string, src remote.Source) (remote.Info, error) {
	client := s.client.NewBlockBlobClient(remote.JoinKey(s.prefix, key))
	if src.Size >= s.sizes.inBlocks && src.Size > 0 {
		return s.putBlocks(ctx, client, key, src)
	}
	opts := &blockblob.UploadOptions{}
	if len(src.MD5) == md5.Size {
		// The first is kept with the blob, the second has the server check what arrives.
		opts.HTTPHeaders = &blob.HTTPHeaders{BlobContentMD5: src.MD5}
		opts.TransactionalValidation = blob.TransferValidationTypeMD5(src.MD5)
	}
	r := &rewinder{src: src, length: src.Size}
	defer r.Close()
	if src.Size == 0 { // nobody would read it, and so notice that the source is wrong
		if _, err := r.Read(make([]byte, 1)); err != io.EOF {
			return remote.Info{}, s.cfg.Fail("put", key, err)
		}
	}
	got, err := client.Upload(ctx, r, opts)
	if err != nil {
		return remote.Info{}, s.fail("put", key, err)
	}
	return remote.Info{Key: key, Size: src.Size, ETag: tag(got.ETag), Version: text(got.VersionID)}, nil
}

// upload is a file on its way in blocks. They go straight from the source to the
// connection: memory does not depend on their size.
type upload struct {
	s      *store
	client *blockblob.Client
	key    string
	src    remote.Source
	block  int64 // bytes of each but the last
	name   string
	done   []bool // by number
}

// putBlocks sends a large file. Blocks of an earlier call are there for a week; if
// key and digest say that it was the same content, only the others are sent.
func (s *store) putBlocks(ctx context.Context, client *blockblob.Client, key string, src remote.Source) (remote.Info, error) {
	u := &upload{s: s, client: client, key: key, src: src, block: s.sizes.block}
	for u.block*maxBlocks < src.Size {
		u.block *= 2
	}
	u.done = make([]bool, (src.Size+u.block-1)/u.block)
	u.name = fmt.Sprintf("%016x", rand.Uint64())
	if sum := hex.EncodeToString(src.MD5); len(sum) == 32 && strings.HasSuffix(key, sum[:2]+"/"+sum[2:]) {
		u.name = fmt.Sprintf("%016x", u.block)
		u.resume(ctx)
	}
	g, sending := errgroup.WithContext(ctx)
	g.SetLimit(blocksAtOnce)
	for i := range u.done {
		if u.done[i] {
			continue
		}
		g.Go(func() error {
			select {
			case s.blocks <- struct{}{}:
				defer func() { <-s.blocks }()
			case <-sending.Done():
				return context.Cause(sending)
			}
			return u.send(sending, i)
		})
	}
	if err := g.Wait(); err != nil {
		return remote.Info{}, err
	}
	return u.commit(ctx)
}

// id is the same for the same block of the same content. All of a blob must be of
// the same length.
func (u *upload) id(i int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "reprodl-%s-%06d", u.name, i))
}

func (u *upload) length(i int) int64 { return min(u.block, u.src.Size-int64(i)*u.block) }

// resume asks which blocks are there. A server that cannot tell has none.
func (u *upload) resume(ctx context.Context) {
	got, err := u.client.GetBlockList(ctx, blockblob.BlockListTypeUncommitted, nil)
	if err != nil {
		return
	}
	there := map[string]int64{}
	for _, b := range got.UncommittedBlocks {
		there[text(b.Name)] = size(b.Size)
	}
	for i := range u.done {
		n, ok := there[u.id(i)]
		u.done[i] = ok && n == u.length(i)
	}
}

// polynomial is that of Azure's checksums.
var polynomial = crc64.MakeTable(0x9A6C9329AC4BC9B5)

// send stores one block. The checksum that the server made must be that of what
// was read.
func (u *upload) send(ctx context.Context, i int) error {
	sum := crc64.New(polynomial)
	r := &rewinder{src: u.src, offset: int64(i) * u.block, length: u.length(i), sum: sum}
	defer r.Close()
	got, err := u.client.StageBlock(ctx, u.id(i), r, nil)
	if err != nil {
		return u.s.fail("put", u.key, err)
	}
	want := binary.LittleEndian.AppendUint64(nil, sum.Sum64())
	if len(got.ContentCRC64) == len(want) && !bytes.Equal(got.ContentCRC64, want) {
		e := u.s.cfg.Fail("put", u.key, fmt.Errorf("block %d arrived with the checksum %x, but it is %x", i+1, got.ContentCRC64, want))
		e.Temporary = true
		return e
	}
	u.done[i] = true
	return nil
}

// commit makes the blob of its blocks.
func (u *upload) commit(ctx context.Context) (remote.Info, error) {
	// If the last block came from an earlier run, nobody has looked yet whether the
	// file is still as long.
	end := &rewinder{src: u.src, offset: u.src.Size}
	_, err := end.Read(make([]byte, 1))
	end.Close()
	if err != io.EOF {
		return remote.Info{}, u.s.cfg.Fail("put", u.key, err)
	}
	ids := make([]string, len(u.done))
	for i := range ids {
		ids[i] = u.id(i)
	}
	opts := &blockblob.CommitBlockListOptions{}
	if len(u.src.MD5) == md5.Size {
		opts.HTTPHeaders = &blob.HTTPHeaders{BlobContentMD5: u.src.MD5}
	}
	got, err := u.client.CommitBlockList(ctx, ids, opts)
	if bloberror.HasCode(err, bloberror.InvalidBlockList) {
		if info, ok := u.already(ctx); ok {
			return info, nil
		}
	}
	if err != nil {
		return remote.Info{}, u.s.fail("put", u.key, err)
	}
	return remote.Info{Key: u.key, Size: u.src.Size, ETag: tag(got.ETag), Version: text(got.VersionID)}, nil
}

// already looks whether the blob has been made by another upload of the same
// content. Its blocks replaced those of this one.
func (u *upload) already(ctx context.Context) (remote.Info, bool) {
	got, err := u.client.GetProperties(ctx, nil)
	if err != nil || len(u.src.MD5) != md5.Size || !bytes.Equal(got.ContentMD5, u.src.MD5) || size(got.ContentLength) != u.src.Size {
		return remote.Info{}, false
	}
	return remote.Info{Key: u.key, Size: u.src.Size, ETag: tag(got.ETag), Version: text(got.VersionID)}, true
}

// rewinder is a range of a source as the library wants it: it asks for the size by
// going to the end, and goes back to the start before it reads.
type rewinder struct {
	src            remote.Source
	offset, length int64
	sum            hash.Hash // of what was read since the start; may be nil

	r  io.ReadCloser // nil = at the start
	at int64         // where Seek has been
}

func (r *rewinder) Read(p []byte) (int, error) {
	if r.r == nil {
		var err error
		if r.r, err = r.src.Exact(r.offset, r.length); err != nil {
			return 0, err
		}
		r.at = 0
	}
	n, err := r.r.Read(p)
	if r.at += int64(n); r.sum != nil {
		r.sum.Write(p[:n])
	}
	return n, err
}

func (r *rewinder) Seek(offset int64, whence int) (int64, error) {
	switch {
	case whence == io.SeekCurrent && offset == 0:
		return r.at, nil
	case whence == io.SeekEnd && offset == 0:
		r.at = r.length
		return r.at, nil
	case whence != io.SeekStart || offset != 0:
		return 0, errors.New("only the start and the end can be sought")
	}
	if r.sum != nil {
		r.sum.Reset()
	}
	r.at = 0
	return 0, r.Close()
}

// Close is also what goes back to the start.
func (r *rewinder) Close() error {
	if r.r == nil {
		return nil
	}
	err := r.r.Close()
	r.r = nil
	return err
}
