package search_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment/search"
)

// bowl is smallest at lr = 0.01, n = 5, kind = "b".
func bowl(p search.Point) float64 {
	lr, n := math.Log10(p[0].(float64)), float64(p[1].(int64))
	score := (lr+2)*(lr+2) + (n-5)*(n-5)/10
	if p[2] != "b" {
		score++
	}
	return score
}

var bowlSpace = search.Space{{Key: "lr", Low: 1e-5, High: 1, Log: true}, {Key: "n", Low: 1, High: 20, Int: true}, {Key: "kind", Values: []any{"a", "b", "c"}}}

func TestSearchBeatsChance(t *testing.T) {
	won := 0
	const games = 20
	for seed := range uint64(games) {
		s, err := search.New(bowlSpace, &search.Options{Seed: seed})
		require.NoError(t, err)
		for range 60 {
			p := s.Ask()
			require.NoError(t, s.Tell(p, bowl(p)))
		}
		_, tpe := s.Best()
		random, n := math.Inf(1), 0
		for p := range bowlSpace.Random(seed) {
			random = min(random, bowl(p))
			if n++; n == 60 {
				break
			}
		}
		if tpe < random {
			won++
		}
	}
	assert.Greater(t, won, games*2/3, "of %d games", games)
}

func TestSearchIsReproducible(t *testing.T) {
	play := func() (points []search.Point) {
		s, err := search.New(bowlSpace, &search.Options{Seed: 3})
		require.NoError(t, err)
		for range 30 {
			p := s.Ask()
			points = append(points, p)
			require.NoError(t, s.Tell(p, bowl(p)))
		}
		return points
	}
	assert.Equal(t, play(), play())
}

func TestSearchStaysInside(t *testing.T) {
	s, err := search.New(bowlSpace, &search.Options{Startup: 2})
	require.NoError(t, err)
	for i := range 200 {
		p := s.Ask()
		lr, n := p[0].(float64), p[1].(int64)
		assert.True(t, lr >= 1e-5 && lr <= 1 && n >= 1 && n <= 20, "%v", p)
		result := bowl(p)
		if i%7 == 0 {
			result = math.NaN() // a run that diverged
		}
		require.NoError(t, s.Tell(p, result))
	}
	best, score := s.Best()
	assert.False(t, math.IsNaN(score))
	assert.Equal(t, "b", best[2])
}

func TestSpacesThatCannotBeSearched(t *testing.T) {
	for name, s := range map[string]search.Space{
		"empty": nil, "no key": {{Low: 0, High: 1}}, "no range": {{Key: "a", Low: 1, High: 1}}, "log of zero": {{Key: "a", High: 1, Log: true}},
		"infinite": {{Key: "a", High: math.Inf(1)}}, "not a number": {{Key: "a", Low: math.NaN(), High: 1}},
	} {
		_, err := search.New(s, nil)
		assert.Error(t, err, name)
	}
	s, err := search.New(bowlSpace, nil)
	require.NoError(t, err)
	assert.Error(t, s.Tell(nil, 1))
}

func TestPointsAreOverrides(t *testing.T) {
	s := search.Space{{Key: "a", Values: []any{"it's"}}, {Key: "b", Values: []any{true}}, {Key: "f.json:c", Values: []any{1e-05}}}
	for p := range s.Grid(0) {
		assert.Equal(t, []string{`a="it's"`, "b=true", "f.json:c=1e-05"}, s.Set(p))
	}
}
