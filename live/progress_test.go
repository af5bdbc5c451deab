package live

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/internal/report"
)

func TestProgressLine(t *testing.T) {
	now := time.Unix(1000, 0)
	p := &progress{width: func() int { return 80 }, total: 100, now: func() time.Time { return now }, start: now}
	assert.Empty(t, p.line(nil), "nothing before the first step")
	metrics := []*series{{name: "loss", last: 0.123456}, {name: "val/acc", last: 0.5}, {name: "system/cpu/usage (%)", last: 3}}
	for step := range 20 {
		p.tick(step)
	}
	now = now.Add(4 * time.Second)
	assert.Equal(t, "step 19/100  loss 0.1235  val/acc 0.5  5 steps/s  0:16 left", p.line(metrics))
	p.width = func() int { return 50 }
	assert.Equal(t, "step 19/100  loss 0.1235  5 steps/s  0:16 left", p.line(metrics))
	p.total = 0
	assert.Equal(t, "step 19  loss 0.1235  val/acc 0.5  5 steps/s", p.line(metrics))
}

func TestProgressIsSilentWithoutTerminal(t *testing.T) {
	assert.Nil(t, newProgress(nil, 0, time.Now))
	assert.Nil(t, newProgress(new(strings.Builder), 0, time.Now))
	f, err := os.Create(t.TempDir() + "/file")
	require.NoError(t, err)
	defer f.Close()
	assert.Nil(t, newProgress(f, 0, time.Now))
}

func TestProgressOfARun(t *testing.T) {
	t.Chdir(t.TempDir())
	l, err := Open("run", &Options{Lag: -1, NoDVCYAML: true})
	require.NoError(t, err)
	var terminal strings.Builder
	l.progress = &progress{w: &terminal, width: func() int { return 60 }, total: 8, now: time.Now, start: time.Now()}
	for i := range 8 {
		l.Log("a\x1b[2J", float64(i))
		require.NoError(t, l.NextStep())
	}
	require.NoError(t, l.Close())
	text := terminal.String()
	assert.Contains(t, text, "\rstep 0/8  a?[2J 0")
	assert.True(t, strings.HasSuffix(text, "\r\x1b[Ka?[2J ▁▂▃▄▅▆▇█ 7 (0 … 7)\n"), "%q", text)
}

func TestClock(t *testing.T) {
	assert.Equal(t, "0:05", clock(5*time.Second))
	assert.Equal(t, "2:03", clock(123*time.Second))
	assert.Equal(t, "1:00:01", clock(3601*time.Second))
}

func TestSparkline(t *testing.T) {
	points := func(values ...float64) (out []report.Point) {
		for i, v := range values {
			out = append(out, report.Point{Step: i, Value: v})
		}
		return out
	}
	assert.Equal(t, "▁█", sparkline(points(1, 2), 10))
	assert.Equal(t, "▁▁", sparkline(points(3, 3), 10))
	assert.Equal(t, "▁ █", sparkline(points(1, math.NaN(), 2), 10))
	assert.Equal(t, "", sparkline(nil, 10))
	assert.Equal(t, "▁█", sparkline(points(0, 0, 9, 9), 2))
}

func TestCurveKeepsExtremes(t *testing.T) {
	c := new(curve)
	for i := range 100000 {
		v := math.Sin(float64(i) / 5000)
		switch i {
		case 777:
			v = 50
		case 55555:
			v = -50
		}
		c.add(i, v)
	}
	points := c.points()
	assert.LessOrEqual(t, len(points), 4*maxBuckets)
	assert.Equal(t, 100000, c.count)
	assert.Contains(t, points, report.Point{Step: 777, Value: 50})
	assert.Contains(t, points, report.Point{Step: 55555, Value: -50})
	assert.Equal(t, 0, points[0].Step)
	assert.Equal(t, 99999, points[len(points)-1].Step)
	for i := 1; i < len(points); i++ {
		assert.LessOrEqual(t, points[i-1].Step, points[i].Step)
	}
}
