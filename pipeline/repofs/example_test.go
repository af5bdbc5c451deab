package repofs_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/reprodl/reprodl/esc50"
	"github.com/reprodl/reprodl/pipeline/data"
	"github.com/reprodl/reprodl/pipeline/repofs"
)

// A model is trained on a data set of another repository, at a tag of it, that
// was never checked out: its clips come from that repository's remote.
func Example() {
	ctx := context.Background()
	url, done := publish(ctx)
	defer done()

	fsys, err := repofs.Open(ctx, url, &repofs.Options{Rev: "v1"})
	if err != nil {
		log.Fatal(err)
	}
	defer fsys.Close()
	dataset, err := esc50.Open(fsys) // the only directory of the repository is data
	if err != nil {
		log.Fatal(err)
	}
	features, err := esc50.Extract(ctx, dataset, &esc50.ExtractOptions{
		Front: esc50.FrontConfig{Seconds: 0.25, Mel: esc50.MelConfig{Mels: 8}},
	})
	if err != nil {
		log.Fatal(err)
	}
	config := esc50.Config{BaseFilters: 2, Classes: 2, BatchSize: 4, MaxEpochs: 1, Seed: 42}
	result, err := esc50.Train(ctx, nil, features, config, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d clips, %d of them tested\n", len(dataset.Clips), len(result.Test.Files))
	// Output:
	// 10 clips, 2 of them tested
}

// publish makes a repository with a data set, pushes the data to a remote, and
// keeps nothing of it but what git has. The result is the URL to clone it from.
func publish(ctx context.Context) (url string, done func()) {
	base, err := os.MkdirTemp("", "published")
	if err != nil {
		log.Fatal(err)
	}
	work := filepath.Join(base, "work")
	must := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	git := func(args ...string) {
		cmd := exec.CommandContext(ctx, "git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
		if cmd.Dir = work; args[0] == "clone" {
			cmd.Dir = base
		}
		out, err := cmd.CombinedOutput()
		if err != nil {
			log.Fatal(string(out))
		}
	}
	must(os.MkdirAll(work, 0o777))
	must(os.Setenv("DVC_SITE_CACHE_DIR", filepath.Join(base, "site")))
	git("init", "-q", "-b", "main")
	must(data.Init(ctx, work, nil))
	config := "[core]\n    remote = store\n['remote \"store\"']\n    url = " + filepath.ToSlash(filepath.Join(base, "store")) + "\n"
	must(os.WriteFile(filepath.Join(work, ".dvc", "config"), []byte(config), 0o666))
	must(esc50.Synthesize(ctx, filepath.Join(work, "data"), &esc50.SynthOptions{Classes: 2, ClipsPerFold: 1, Seconds: 0.25}))
	repo, err := data.Open(work, nil)
	must(err)
	_, err = repo.Add(ctx, nil, "data")
	must(err)
	_, err = repo.Push(ctx, nil)
	must(err)
	git("add", "-A")
	git("commit", "-q", "-m", "a data set")
	git("tag", "v1")
	git("clone", "-q", "--bare", work, "published.git")
	must(os.RemoveAll(work))
	return "file://" + filepath.ToSlash(filepath.Join(base, "published.git")), func() { _ = os.RemoveAll(base) }
}
