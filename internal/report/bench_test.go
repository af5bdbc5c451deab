package report

import (
	"fmt"
	"io"
	"math"
	"testing"
)

// BenchmarkRender100Metrics renders what a run of 100,000 steps and 100 metrics
// keeps for its report.
func BenchmarkRender100Metrics(b *testing.B) {
	p := &Page{Title: "bench"}
	for m := range 100 {
		points := make([]Point, 2048)
		for i := range points {
			points[i] = Point{i * 49, math.Sin(float64(i)/300) + float64(m)}
		}
		p.Curves = append(p.Curves, Curve{Name: fmt.Sprintf("metric%02d", m), Series: []Series{{Points: points, Count: 100_000}}})
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Render(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
