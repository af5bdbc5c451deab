package cpu

// pairs walks the elements of a result together with those of two operands that
// broadcast to it, in runs along the last axes.
type pairs struct {
	outer  []int // dimensions outside a run
	a, b   []int // the operands' strides along them
	n      int   // length of a run
	sa, sb int   // steps in a run: 0 or 1
	total  int
}

// broadcast returns the walk for a result of shape dims. Operands have one
// element, or the same rank with dimensions equal or one.
func broadcast(dims, x, y []int) pairs {
	p := pairs{n: 1, total: 1}
	stride := func(of []int) []int {
		s := make([]int, len(dims))
		if len(of) != len(dims) {
			return s // a scalar
		}
		for i, full := range strides(of) {
			if of[i] != 1 {
				s[i] = full
			}
		}
		return s
	}
	a, b := stride(x), stride(y)
	axis := len(dims) - 1
	for ; axis >= 0; axis-- {
		p.total *= dims[axis]
		if dims[axis] == 1 {
			continue
		}
		if p.n == 1 {
			p.n, p.sa, p.sb = dims[axis], min(a[axis], 1), min(b[axis], 1)
			continue
		}
		if a[axis] != p.sa*p.n || b[axis] != p.sb*p.n {
			break
		}
		p.n *= dims[axis]
	}
	for i := 0; i <= axis; i++ {
		if i < axis {
			p.total *= dims[i]
		}
		p.outer, p.a, p.b = append(p.outer, dims[i]), append(p.a, a[i]), append(p.b, b[i])
	}
	return p
}

// each calls f with the places of runs, or parts of runs, of n elements.
func (p *pairs) each(x *run, f func(at, a, b, n int)) {
	if p.total == 0 {
		return
	}
	if len(p.outer) == 0 {
		x.spans(p.n, func(lo, hi int) { f(lo, lo*p.sa, lo*p.sb, hi-lo) })
		return
	}
	runs := p.total / p.n
	per := max(1, grain/p.n)
	x.tasks((runs+per-1)/per, func(t int, _ *scratch) {
		for i := t * per; i < min(runs, (t+1)*per); i++ {
			a, b, rest := 0, 0, i
			for axis := len(p.outer) - 1; axis >= 0; axis-- {
				at := rest % p.outer[axis]
				rest /= p.outer[axis]
				a += at * p.a[axis]
				b += at * p.b[axis]
			}
			f(i*p.n, a, b, p.n)
		}
	})
}

// applyPairs sets dst to f of the operands' elements.
func applyPairs[T, R any1](x *run, p *pairs, dst []R, a, b []T, f func(T, T) R) {
	p.each(x, func(at, ia, ib, n int) {
		d := dst[at : at+n]
		for i := range d {
			d[i] = f(a[ia+i*p.sa], b[ib+i*p.sb])
		}
	})
}
