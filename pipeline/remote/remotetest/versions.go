package remotetest

import (
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/reprodl/reprodl/pipeline/remote"
)

// sameKey: two that push the same object do not disturb each other. A server may
// ask one to come again.
func sameKey(t *testing.T, r remote.Remote) {
	data := pattern(60_000)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			err := remote.Retry(t.Context(), &remote.RetryOptions{Wait: time.Millisecond}, func() error {
				_, err := r.Put(t.Context(), "files/md5/aa/same", source(data))
				return err
			})
			if err != nil {
				t.Errorf("Put: %v", err)
			}
		})
	}
	wg.Wait()
	want(t, r, "files/md5/aa/same", data)
}

func versions(t *testing.T, r remote.Remote) {
	v, ok := r.(remote.Versioned)
	if !ok {
		t.Skip("keeps no versions")
	}
	one, two := put(t, r, "a/b", []byte("one")), put(t, r, "a/b", []byte("two"))
	if one.Version == "" || one.Version == two.Version {
		t.Skip("this server keeps no versions")
	}
	for i, info := range []remote.Info{one, two} {
		src, err := v.OpenVersion(t.Context(), "a/b", info.Version, 1, -1)
		if i == 0 && errors.Is(err, remote.ErrNotFound) {
			t.Skip("this server names versions, but keeps none")
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(src)
		if err = errors.Join(err, src.Close()); err != nil || string(got) != []string{"ne", "wo"}[i] {
			t.Errorf("version %d: %q, %v", i+1, got, err)
		}
		if st, err := v.StatVersion(t.Context(), "a/b", info.Version); err != nil || st.Version != info.Version || st.ETag != info.ETag {
			t.Errorf("StatVersion = %+v, %v; want %+v", st, err, info)
		}
	}
	var got []string
	for info, err := range v.ListVersions(t.Context(), "a/") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, info.Version)
	}
	if !slices.Equal(got, []string{two.Version, one.Version}) {
		t.Errorf("ListVersions = %q, want the newest first: %q", got, []string{two.Version, one.Version})
	}
	deletedVersions(t, v, one, two)
}

// deletedVersions removes an object: its versions stay, and a listing of objects does
// not have it. A version that there never was is not found.
func deletedVersions(t *testing.T, v remote.Versioned, one, two remote.Info) {
	if err := v.Remove(t.Context(), "a/b"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Stat(t.Context(), "a/b"); !errors.Is(err, remote.ErrNotFound) {
		t.Errorf("Stat of a removed object: %v", err)
	}
	for info, err := range v.List(t.Context(), "a/") {
		t.Errorf("List has %+v, %v, which is removed", info, err)
	}
	for i, info := range []remote.Info{one, two} {
		src, err := v.OpenVersion(t.Context(), "a/b", info.Version, 0, -1)
		if err != nil {
			t.Fatalf("version %d of a removed object: %v", i+1, err)
		}
		got, err := io.ReadAll(src)
		if err = errors.Join(err, src.Close()); err != nil || string(got) != []string{"one", "two"}[i] {
			t.Errorf("version %d of a removed object: %q, %v", i+1, got, err)
		}
	}
	var got []string
	for info, err := range v.ListVersions(t.Context(), "a/") {
		if err != nil {
			t.Fatal(err)
		}
		if !info.Deleted {
			got = append(got, info.Version)
		}
	}
	if !slices.Equal(got, []string{two.Version, one.Version}) {
		t.Errorf("ListVersions of a removed object = %q, want %q", got, []string{two.Version, one.Version})
	}
	three := put(t, v, "a/b", []byte("three"))
	if st, err := v.Stat(t.Context(), "a/b"); err != nil || st.Version != three.Version || three.Version == two.Version {
		t.Errorf("Stat after a removal and a new version = %+v, %v; want %+v", st, err, three)
	}
	// The version of one object is none of another.
	put(t, v, "a/c", []byte("other"))
	if _, err := v.StatVersion(t.Context(), "a/c", one.Version); err == nil {
		t.Error("StatVersion finds the version of another object")
	}
	if _, err := v.OpenVersion(t.Context(), "a/gone", one.Version, 0, -1); !errors.Is(err, remote.ErrNotFound) {
		t.Errorf("OpenVersion of an object that there never was: %v", err)
	}
}
