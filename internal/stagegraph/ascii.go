package stagegraph

import (
	"math"
	"strings"
	"unicode/utf8"
)

// ASCII draws the picture with boxes and lines of stars, one connected part
// below the other, without a line end after the last.
func (p *Picture) ASCII() string {
	var all []string
	for _, part := range p.Components() {
		all = append(all, part.drawOne())
	}
	return strings.Join(all, "\n")
}

// boxWidth is the name with a blank and an edge on either side, in characters: DVC
// counts Python's, which are code points.
func boxWidth(name string) float64 { return float64(utf8.RuneCountInString(name) + 4) }

type point struct{ x, y float64 }

// drawOne draws a connected picture.
func (p *Picture) drawOne() string {
	l := newLayout(p)
	l.place()
	paths := make([][]point, len(l.routes))
	low := point{math.Inf(1), math.Inf(1)}
	high := point{math.Inf(-1), math.Inf(-1)}
	reach := func(x, y float64) {
		low = point{min(low.x, x), min(low.y, y)}
		high = point{max(high.x, x), max(high.y, y)}
	}
	// Bends have no box; where they stand counts by the edges that run through them.
	for i, c := range l.cells {
		if i < len(p.Names) {
			reach(c.x-c.width/2, c.y)
			reach(c.x+c.width/2, c.y+boxHeight)
		}
	}
	for i, route := range l.routes {
		paths[i] = l.path(route)
		for _, pt := range paths[i] {
			reach(pt.x, pt.y)
		}
	}
	cols := int(math.Ceil(high.x)-math.Floor(low.x)) + 1
	// Coordinates become characters as DVC rounds them: columns outwards and one more,
	// lines to the nearest.
	c := newCanvas(cols, round(high.y-low.y))
	for _, path := range paths {
		for i := 1; i < len(path); i++ {
			c.line(round(path[i-1].x-low.x), round(path[i-1].y-low.y), round(path[i].x-low.x), round(path[i].y-low.y))
		}
	}
	// Boxes come last, over the ends of the lines.
	for i, name := range p.Names {
		b := l.cells[i]
		c.box(round(b.x-b.width/2-low.x), round(b.y-low.y), int(b.width), name)
	}
	return c.String()
}

// path lists the corners of an edge, from the rim of one box to that of the
// other.
func (l *layout) path(route []int) []point {
	pts := make([]point, len(route))
	for i, n := range route {
		pts[i] = point{l.cells[n].x, l.cells[n].y}
	}
	last := len(pts) - 1
	first := l.rim(route[0], pts[1])
	pts[last] = l.rim(route[last], pts[last-1])
	pts[0] = first
	return pts
}

// rim is where the line from the middle of a box to a point leaves the box.
func (l *layout) rim(n int, to point) point {
	c := l.cells[n]
	dx, dy := to.x-c.x, to.y-c.y
	w, h := math.Floor(c.width/2), float64(boxHeight/2)
	sides := [4][2]point{
		{{-w, -h}, {w, -h}}, {{w, -h}, {w, h}}, {{-w, h}, {w, h}}, {{-w, h}, {-w, -h}},
	}
	for _, s := range sides {
		// The order of the sides decides at a corner, where two of them are met.
		if at, ok := meet(point{dx, dy}, s[0], s[1]); ok {
			return point{at.x + c.x, at.y + c.y}
		}
	}
	return point{c.x, c.y}
}

// meet is where the segment from the origin to p meets the segment from a to b.
// With t p = a + s d, d = b - a, Cramer's rule gives s and t; both must lie within
// [0, 1]. Parallel lines (det 0) never meet, not even if they are one.
func meet(p, a, b point) (point, bool) {
	d := point{b.x - a.x, b.y - a.y}
	det := p.x*d.y - p.y*d.x
	if det == 0 {
		return point{}, false
	}
	if t := (a.x*p.y - a.y*p.x) / det; t < 0 || t > 1 {
		return point{}, false
	}
	t := (a.x*d.y - a.y*d.x) / det
	if t < 0 || t > 1 {
		return point{}, false
	}
	return point{t * p.x, t * p.y}, true
}

// round rounds halves to even.
func round(x float64) int { return int(math.RoundToEven(x)) }

// A canvas is a rectangle of characters.
type canvas [][]rune

func newCanvas(cols, lines int) canvas {
	c := make(canvas, lines)
	for i := range c {
		c[i] = []rune(strings.Repeat(" ", cols))
	}
	return c
}

// set ignores what lies outside; DVC asserts that nothing does.
func (c canvas) set(x, y int, r rune) {
	if y >= 0 && y < len(c) && x >= 0 && x < len(c[y]) {
		c[y][x] = r
	}
}

// line draws with stars, one per column or row, whichever are more.
func (c canvas) line(x0, y0, x1, y1 int) {
	if x0 > x1 {
		x0, y0, x1, y1 = x1, y1, x0, y0
	}
	// From left to right, so dx is never negative.
	dx, dy := x1-x0, y1-y0
	switch {
	case dx >= abs(dy):
		for x := x0; x <= x1; x++ {
			c.set(x, y0+share(x-x0, dy, dx), '*')
		}
	case dy > 0:
		for y := y0; y <= y1; y++ {
			c.set(x0+share(y-y0, dx, dy), y, '*')
		}
	default:
		for y := y1; y <= y0; y++ {
			c.set(x1+share(y-y1, dx, dy), y, '*')
		}
	}
}

// share is n*part/whole, rounded; 0 of nothing.
func share(n, part, whole int) int {
	if whole == 0 {
		return 0
	}
	return round(float64(n*part) / float64(whole))
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// box draws three lines, boxHeight, from its upper left corner.
func (c canvas) box(x, y, width int, text string) {
	edge := []rune("+" + strings.Repeat("-", width-2) + "+")
	inside := []rune("| " + text + " |")
	for i, row := range [][]rune{edge, inside, edge} {
		for j, r := range row {
			c.set(x+j, y+i, r)
		}
	}
}

// String returns the lines, trailing blanks included.
func (c canvas) String() string {
	lines := make([]string, len(c))
	for i, row := range c {
		lines[i] = string(row)
	}
	return strings.Join(lines, "\n")
}
