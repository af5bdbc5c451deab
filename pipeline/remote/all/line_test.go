//go:build unix

package all

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// line is a way to a server that can be cut.
type line struct {
	addr, to string

	kill func()       // ends the server at a cut; nil = it lives on
	sent atomic.Int64 // bytes to the server
	got  atomic.Int64 // bytes from it

	mu     sync.Mutex
	left   int64 // bytes until the cut; negative = there will be none
	stays  after
	listen net.Listener // nil while nobody answers
	dead   bool
	conns  map[net.Conn]bool
	cuts   atomic.Int32
}

// after is what becomes of the line after a cut.
type after int

const (
	works   after = iota // it does again at once
	refuses              // nobody listens
	hangsUp              // whoever calls is cut off again, as by a proxy
)

func newLine(t *testing.T, to string) *line {
	l := &line{addr: "127.0.0.1:0", to: to, left: -1, conns: map[net.Conn]bool{}}
	l.arm(-1, works)
	l.addr = l.listen.Addr().String()
	t.Cleanup(func() { l.arm(-1, works); l.listen.Close(); l.cut() })
	return l
}

// arm repairs the line and has it cut again after so many bytes.
func (l *line) arm(bytes int64, stays after) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left, l.stays, l.dead = bytes, stays, false
	if l.listen != nil {
		return
	}
	for l.listen == nil {
		l.listen, _ = net.Listen("tcp", l.addr) // the port may be another's for a moment
	}
	go func(listen net.Listener) {
		for {
			c, err := listen.Accept()
			if err != nil {
				return
			}
			go l.carry(c)
		}
	}(l.listen)
}

// kills sets what ends at a cut.
func (l *line) kills(kill func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kill = kill
}

func (l *line) carry(c net.Conn) {
	s, err := net.Dial("tcp", l.to)
	if err != nil || !l.hold(c, s) {
		c.Close()
		return
	}
	go l.copy(s, c, &l.sent)
	l.copy(c, s, &l.got)
}

func (l *line) hold(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range conns {
		if l.dead {
			c.Close()
		} else {
			l.conns[c] = true
		}
	}
	return !l.dead
}

func (l *line) copy(to, from net.Conn, count *atomic.Int64) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 8<<10)
	for {
		n, err := from.Read(buf)
		count.Add(int64(n))
		if n > 0 && !l.pass(int64(n)) {
			return
		}
		if _, werr := to.Write(buf[:n]); err != nil || werr != nil {
			return
		}
	}
}

// pass counts bytes, and cuts when they are enough.
func (l *line) pass(n int64) bool {
	l.mu.Lock()
	cut := l.left >= 0 && l.left < n
	if l.left >= 0 {
		l.left -= n
	}
	if cut {
		l.left, l.dead = -1, l.stays != works
		l.cuts.Add(1)
		if l.stays == refuses {
			l.listen.Close()
			l.listen = nil
		}
	}
	kill := l.kill
	conns := l.conns
	if cut { // those that come later are not cut
		l.conns = map[net.Conn]bool{}
	}
	l.mu.Unlock()
	if cut {
		if kill != nil {
			kill()
		}
		for c := range conns {
			c.Close()
		}
	}
	return !cut
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		c.Close()
	}
	clear(l.conns)
}
