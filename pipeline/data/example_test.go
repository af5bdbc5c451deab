package data_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/pipeline/data"
)

// exampleRepo is a repository without git of the given files.
func exampleRepo(files map[string]string) (repo *data.Repo, remove func()) {
	dir, err := os.MkdirTemp("", "data")
	if err == nil {
		err = data.Init(context.Background(), dir, &data.InitOptions{NoSCM: true})
	}
	for name, text := range files {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666)
		}
	}
	if err == nil {
		repo, err = data.Open(dir, nil)
	}
	if err != nil {
		log.Fatal(err)
	}
	return repo, func() { os.RemoveAll(dir) }
}

// A file is added; when it is lost, a checkout brings it back from the cache.
func ExampleRepo_Add() {
	repo, remove := exampleRepo(map[string]string{"clips.csv": "file,fold\n"})
	defer remove()
	ctx := context.Background()
	written, err := repo.Add(ctx, nil, "clips.csv")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("git keeps", written)
	os.Remove(filepath.Join(repo.Dir(), "clips.csv"))
	done, err := repo.Checkout(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("back:", done.Added)
	// Output:
	// git keeps [clips.csv.dvc]
	// back: [clips.csv]
}

// What the cache holds and a remote lacks is pushed once.
func ExampleRepo_Push() {
	remote, err := os.MkdirTemp("", "remote")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(remote)
	repo, remove := exampleRepo(map[string]string{"clips.csv": "file,fold\n"})
	defer remove()
	config := "[core]\n    no_scm = true\n    remote = disk\n['remote \"disk\"']\n    url = " + filepath.ToSlash(remote) + "\n"
	if err := os.WriteFile(filepath.Join(repo.Root(), ".dvc", "config"), []byte(config), 0o666); err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if _, err := repo.Add(ctx, nil, "clips.csv"); err != nil {
		log.Fatal(err)
	}
	for range 2 {
		done, err := repo.Push(ctx, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("pushed", done.Files, "files of", done.Bytes, "bytes")
	}
	// Output:
	// pushed 1 files of 10 bytes
	// pushed 0 files of 0 bytes
}

// Collecting garbage leaves what the workspace needs.
func ExampleRepo_GC() {
	repo, remove := exampleRepo(map[string]string{"clips.csv": "file,fold\n"})
	defer remove()
	ctx := context.Background()
	for _, text := range []string{"first\n", "second\n"} {
		os.WriteFile(filepath.Join(repo.Dir(), "clips.csv"), []byte(text), 0o666)
		if _, err := repo.Add(ctx, nil, "clips.csv"); err != nil {
			log.Fatal(err)
		}
	}
	if err := repo.GC(ctx, &data.GCOptions{Workspace: true}); err != nil {
		log.Fatal(err)
	}
	status, err := repo.DataStatus(ctx, nil)
	fmt.Println("missing from the cache:", len(status.NotInCache), err)
	// Output: missing from the cache: 0 <nil>
}
