package object_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/object"
)

// manyFiles makes the tree of the reference measurement: n files of 4 KB in
// 100 directories.
func manyFiles(tb testing.TB, dir string, n int) {
	tb.Helper()
	rng := rand.NewChaCha8([32]byte{1})
	data := make([]byte, 4096)
	for i := range n {
		sub := filepath.Join(dir, fmt.Sprintf("%02d", i%100))
		if i < 100 {
			require.NoError(tb, os.MkdirAll(sub, 0o777))
		}
		rng.Read(data)
		require.NoError(tb, os.WriteFile(filepath.Join(sub, fmt.Sprintf("f%05d.bin", i)), data, 0o666))
	}
}

func BenchmarkTree10k(b *testing.B) {
	ctx := context.Background()
	root := b.TempDir()
	data := filepath.Join(root, "data")
	manyFiles(b, data, 10000)
	temp := filepath.Join(root, "tmp")
	cache := filepath.Join(root, "cache")
	memo := filepath.Join(root, "memo")
	c := object.OpenCache(cache, &object.CacheOptions{Temp: temp})
	hasher := func() *object.Hasher {
		return object.NewHasher(&object.HasherOptions{Memo: memo, Root: root})
	}
	add := func() object.Hash {
		hs := hasher()
		m, err := c.Add(ctx, hs, data, &object.AddOptions{Relink: true})
		require.NoError(b, err)
		require.NoError(b, hs.Close())
		return m.Hash
	}
	h := add()
	b.Run("add first", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			os.RemoveAll(cache)
			os.Remove(memo)
			b.StartTimer()
			add()
		}
	})
	b.Run("add again", func(b *testing.B) {
		for b.Loop() {
			add()
		}
	})
	status := func(b *testing.B) {
		hs := hasher()
		ok, err := hs.Matches(ctx, data, h)
		require.NoError(b, err)
		require.True(b, ok)
		ok, err = c.Has(ctx, h)
		require.NoError(b, err)
		require.True(b, ok)
		require.NoError(b, hs.Close())
	}
	b.Run("status", func(b *testing.B) {
		for b.Loop() {
			status(b)
		}
	})
	b.Run("checkout", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			os.RemoveAll(data)
			b.StartTimer()
			hs := hasher()
			_, err := c.Checkout(ctx, hs, data, h, nil)
			require.NoError(b, err)
			require.NoError(b, hs.Close())
		}
	})
	b.Run("status after checkout", func(b *testing.B) {
		for b.Loop() {
			status(b)
		}
	})
}
