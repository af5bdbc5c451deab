package report

// maxPoints is how many points of a series a page holds at most.
const maxPoints = 4096

// thin keeps of every bucket of neighbouring points the first, the least, the
// greatest and the last, so that no spike is lost.
func thin(points []Point) []Point {
	if len(points) <= maxPoints {
		return points
	}
	buckets := maxPoints / 4
	out := make([]Point, 0, maxPoints)
	for b := range buckets {
		from, to := b*len(points)/buckets, (b+1)*len(points)/buckets
		low, high := from, from
		for i := from; i < to; i++ {
			if v := points[i].Value; !(v >= points[low].Value) {
				low = i
			} else if !(v <= points[high].Value) {
				high = i
			}
		}
		last := -1
		for _, i := range [...]int{from, min(low, high), max(low, high), to - 1} {
			if i > last {
				out = append(out, points[i])
				last = i
			}
		}
	}
	return out
}
