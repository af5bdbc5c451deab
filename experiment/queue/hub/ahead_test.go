package hub

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment/queue"
)

// TestWhatAWorkerPreparesForIsNobodysYet: it is queued, comes after what was queued
// before it, and is given to others who have nothing else to do, or when it was kept for
// long enough.
func TestWhatAWorkerPreparesForIsNobodysYet(t *testing.T) {
	const none = ""
	type step struct {
		do        string // "claim" or "ahead", by this worker; or "wait", "retry"
		by, ready string
		want      string
	}
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"it is its worker's when that asks", []step{{"claim", "x", none, "a"}, {"ahead", "x", none, "b"}, {"claim", "x2", "b", "b"}}},
		{"others are given what nobody prepares for", []step{{"claim", "x", none, "a"}, {"ahead", "x", none, "b"}, {"claim", "y", none, "c"},
			{"claim", "x2", "b", "b"}}},
		{"or it, if there is nothing else", []step{{"claim", "x", none, "a"}, {"ahead", "x", none, "b"}, {"claim", "y", none, "c"}, {"claim", "z", none, "d"},
			{"claim", "w", none, "b"}, {"claim", "x2", "b", none}}},
		{"each prepares for another one", []step{{"claim", "x", none, "a"}, {"claim", "y", none, "b"}, {"ahead", "x", none, "c"}, {"ahead", "y", none, "d"},
			{"claim", "y2", "d", "d"}, {"claim", "x2", "c", "c"}}},
		{"one that asks twice keeps one", []step{{"claim", "x", none, "a"}, {"ahead", "x", none, "b"}, {"ahead", "x", none, "b"}, {"claim", "y", none, "c"}}},
		{"it is kept for a while only", []step{{"claim", "x", none, "a"}, {"ahead", "x", none, "b"}, {do: "wait"}, {"claim", "y", none, "b"}, {"claim", "x2", "b", "c"}}},
		{"what was queued before it goes first", []step{{"claim", "x", none, "a"}, {"claim", "y", none, "b"}, {"ahead", "y", none, "c"}, {"retry", "x", none, "a"},
			{"claim", "y2", "c", "a"}, {"claim", "z", none, "d"}, {"claim", "z2", none, "c"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := t.Context()
			s := startHub(t, t.TempDir(), nil).state
			now := time.Now()
			s.mu.Lock()
			s.now = func() time.Time { return now }
			s.mu.Unlock()
			require.NoError(t, s.put(ctx, queued("a", "b", "c", "d")...))
			ran := map[string]string{} // by the worker
			for i, st := range c.steps {
				var got *queue.Task
				var err error
				switch st.do {
				case "claim":
					ready := readiness{}
					if st.ready != none {
						ready = readiness{st.ready, st.by[:1]}
					}
					got, err = s.claim(ctx, lease(st.by), time.Hour, ready)
					if got != nil {
						ran[st.by] = got.ID
					}
				case "ahead":
					if got, err = s.ahead(ran[st.by], st.by); err == nil && got != nil {
						assert.Equal(t, queue.Queued, got.State)
						list, _ := s.list(0, queue.Queued)
						assert.Contains(t, list, *got)
					}
				case "retry":
					err = s.replace(ctx, st.want, st.by, 0, func(t *queue.Task) { t.State = queue.Queued })
				case "wait":
					s.mu.Lock()
					now = now.Add(holdTime)
					s.mu.Unlock()
				}
				require.NoError(t, err)
				if st.do == "retry" || st.do == "wait" {
					continue
				}
				if st.want == none {
					assert.Nil(t, got, "step %d", i)
				} else if assert.NotNil(t, got, "step %d", i) {
					assert.Equal(t, st.want, got.ID, "step %d", i)
				}
			}
		})
	}
	s := startHub(t, t.TempDir(), nil).state
	_, err := s.ahead("a", "stranger")
	assert.ErrorIs(t, err, queue.ErrLeaseLost)
}
