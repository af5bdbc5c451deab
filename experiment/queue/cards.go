package queue

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/reprodl/reprodl/internal/dirlock"
)

// Cards are the graphics cards of this machine as its workers share them: no two
// tasks get the same one, whatever processes run them, and none gets one that
// another program computes on. The zero value has none.
type Cards struct {
	cards []card
	dir   string // of the locks
}

type card struct{ index, uuid, name string }

// FindCards asks nvidia-smi for the cards, and leaves out those that
// CUDA_VISIBLE_DEVICES in env hides. Without the program or a card there are none.
func FindCards(ctx context.Context, env []string) *Cards {
	c := &Cards{}
	rows, err := nvidiaSMI(ctx, "--query-gpu=index,uuid,name")
	if err != nil {
		return c
	}
	var all []card
	for _, r := range rows {
		if len(r) == 3 {
			all = append(all, card{r[0], r[1], r[2]})
		}
	}
	c.cards = visible(all, env)
	if cache, err := os.UserCacheDir(); err == nil {
		c.dir = filepath.Join(cache, "reprodl", "gpus")
	} else {
		c.dir = filepath.Join(os.TempDir(), "reprodl-gpus-"+strconv.Itoa(os.Getuid()))
	}
	return c
}

// visible are the cards that CUDA_VISIBLE_DEVICES names, by their index or the
// beginning of their UUID, in its order. As CUDA does it ends at the first name of
// none.
func visible(all []card, env []string) []card {
	names, set := "", false
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, "CUDA_VISIBLE_DEVICES="); ok {
			names, set = v, true
		}
	}
	if !set {
		return all
	}
	var out []card
	for name := range strings.SplitSeq(names, ",") {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(all, func(c card) bool {
			return name == c.index || strings.HasPrefix(name, "GPU-") && strings.HasPrefix(c.uuid, name)
		})
		if i < 0 {
			break
		}
		out = append(out, all[i])
	}
	return out
}

// nvidiaSMI asks a question, whose answer has a row for each card or process.
func nvidiaSMI(ctx context.Context, query string) ([][]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "nvidia-smi", query, "--format=csv,noheader,nounits")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("nvidia-smi: %w", err)
	}
	r := csv.NewReader(strings.NewReader(string(out)))
	r.TrimLeadingSpace, r.FieldsPerRecord, r.LazyQuotes = true, -1, true
	return r.ReadAll()
}

// Len is the number of cards.
func (c *Cards) Len() int { return len(c.cards) }

// Free is how many cards nobody uses now.
func (c *Cards) Free(ctx context.Context) int {
	free := 0
	busy := c.busy(ctx)
	for _, one := range c.cards {
		if busy[one.uuid] {
			continue
		}
		if unlock, err := c.lock(one); err == nil {
			free++
			_ = unlock()
		}
	}
	return free
}

// ErrNoCards says that fewer cards are free than a task needs.
var ErrNoCards = errors.New("not enough graphics cards are free")

// Take takes n free cards until release is called, once or more often, or the process
// ends. env is the variable that shows them to a program.
func (c *Cards) Take(ctx context.Context, n int) (env []string, release func(), err error) {
	var names []string
	var locks []func() error
	release = sync.OnceFunc(func() {
		for _, unlock := range locks {
			_ = unlock()
		}
	})
	busy := c.busy(ctx)
	for _, one := range c.cards {
		if len(names) == n {
			break
		}
		if busy[one.uuid] {
			continue
		}
		if unlock, err := c.lock(one); err == nil {
			names, locks = append(names, one.index), append(locks, unlock)
		}
	}
	if len(names) < n {
		release()
		return nil, nil, fmt.Errorf("%w: %d of the %d needed", ErrNoCards, len(names), n)
	}
	return []string{"CUDA_VISIBLE_DEVICES=" + strings.Join(names, ",")}, release, nil
}

// busy are the UUIDs of cards on which programs compute. If that can't be told none
// is.
func (c *Cards) busy(ctx context.Context) map[string]bool {
	used := map[string]bool{}
	if len(c.cards) == 0 {
		return used
	}
	rows, err := nvidiaSMI(ctx, "--query-compute-apps=gpu_uuid,pid")
	if err != nil {
		return used
	}
	for _, r := range rows {
		used[r[0]] = true
	}
	return used
}

func (c *Cards) lock(one card) (unlock func() error, err error) {
	dir := filepath.Join(c.dir, one.uuid)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	return dirlock.Lock(dir)
}
