package hub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/queue"
)

// Conn is a connection to a hub. It is made again by itself while the hub is
// away, and ended for good when the hub refuses the token.
type Conn struct {
	nc       *nats.Conn
	token    *Token
	address  string
	worker   string
	patience time.Duration
	hello    hello
	clone    *experiment.Repo
	login    *Login
	greeting atomic.Bool

	mu  sync.Mutex
	why error
}

// DialOptions change a connection. Nil means the zero DialOptions.
type DialOptions struct {
	// Patience is how long to wait for a hub that was there once and does not
	// answer; 0 is 20 seconds, negative for ever.
	Patience time.Duration
	Worker   WorkerInfo // who this is, for the list of workers
	// Login is for tokens that lead to a NATS server of the site's; nil is [EnvLogin]
	// of os.Getenv.
	Login *Login
	// Clone is where tasks are queued, if that is not the hub's own repository: Put
	// sends their commits along.
	Clone *experiment.Repo
}

// Dial connects to the hub of a token. A wrong token, certificate or version is
// an error at once: ErrRefused, ErrCertificate or ErrVersion.
func Dial(ctx context.Context, t *Token, opts *DialOptions) (*Conn, error) {
	if err := t.check(time.Now()); err != nil {
		return nil, err
	}
	o := DialOptions{}
	if opts != nil {
		o = *opts
	}
	if o.Patience == 0 {
		o.Patience = 20 * time.Second
	}
	var errs []error
	each := t.Addresses
	if t.outside() {
		each = []string{strings.Join(t.Addresses, ",")} // servers of one cluster
	}
	for _, address := range each {
		c := &Conn{login: o.Login, token: t, address: address, worker: o.Worker.ID, patience: o.Patience, clone: o.Clone}
		err := c.connect(ctx)
		if err == nil {
			err = c.greet(ctx, o.Worker)
		}
		if err == nil {
			return c, nil
		}
		c.Close()
		if errors.Is(err, ErrRefused) || errors.Is(err, ErrCertificate) || errors.Is(err, ErrVersion) || ctx.Err() != nil {
			return nil, err
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func (c *Conn) connect(ctx context.Context) error {
	opts := []nats.Option{nats.Name("reprodl"), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}),
		nats.ReconnectHandler(func(*nats.Conn) { go c.greetAgain() }),
		nats.ClosedHandler(func(nc *nats.Conn) { c.end(c.explain(nc.LastError())) })}
	url := c.address
	if c.token.outside() {
		more, err := loginOr(c.login).options()
		if err != nil {
			return err
		}
		opts = append(opts, more...)
	} else {
		url = "tls://" + url
		opts = append(opts, nats.UserInfo(c.token.ID, c.token.Secret), nats.CustomInboxPrefix(inboxOf(c.token.ID)), nats.Secure(c.tlsConfig()), nats.TLSHandshakeFirst(),
			nats.MaxReconnects(-1), nats.ReconnectWait(200*time.Millisecond), nats.ReconnectJitter(100*time.Millisecond, 500*time.Millisecond),
			nats.ReconnectBufSize(-1), nats.Timeout(10*time.Second), nats.PingInterval(10*time.Second), nats.MaxPingsOutstanding(2))
	}
	nc, err := nats.Connect(url, opts...)
	if err != nil {
		return c.explain(err)
	}
	c.mu.Lock()
	c.nc = nc
	ended := c.why != nil
	c.mu.Unlock()
	if ended {
		nc.Close()
		return c.whyClosed()
	}
	return ctx.Err()
}

// tlsConfig trusts one certificate and nothing else.
func (c *Conn) tlsConfig() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, ServerName: "reprodl", InsecureSkipVerify: true, // VerifyConnection is stricter
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 1 && pinOf(s.PeerCertificates[0].Raw) == c.token.Pin {
				return nil
			}
			err := fmt.Errorf("%s: %w; somebody is in between, or the hub was set up anew: get a new token from it", c.address, ErrCertificate)
			// A connection that is made again would be tried for ever.
			c.end(err)
			return err
		}}
}

// end closes the connection for good.
func (c *Conn) end(why error) {
	c.mu.Lock()
	if c.why == nil {
		c.why = why
	}
	nc := c.nc
	c.mu.Unlock()
	if nc != nil && !nc.IsClosed() {
		go nc.Close() // not from within one of its callbacks
	}
}

// whyClosed may be asked before the connection has told that it is closed.
func (c *Conn) whyClosed() error {
	if err := c.explain(c.nc.LastError()); err != nil {
		return err
	}
	return errors.New("the connection to the hub is closed")
}

// explain puts the reason of a refusal into words.
func (c *Conn) explain(err error) error {
	c.mu.Lock()
	why := c.why
	c.mu.Unlock()
	switch {
	case why != nil:
		return why
	case c.token.outside():
		return outsideError(c.address, err)
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked),
		err != nil && strings.Contains(strings.ToLower(err.Error()), "authorization violation"):
		return fmt.Errorf("%s: %w: it is wrong, has expired or was revoked; make a new one with 'queue token'", c.address, ErrRefused)
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrNoServers):
		return fmt.Errorf("the hub at %s: nobody answers there (%w); does 'queue serve' run, and listen where this machine reaches it?", c.address, err)
	}
	return fmt.Errorf("the hub at %s: %w", c.address, err)
}

// hello is what both sides tell of themselves.
type hello struct {
	Protocol int
	Version  string
	Worker   WorkerInfo `json:",omitzero"`
	Hub      Info       `json:",omitzero"`
	Checkout checkout   `json:",omitzero"`
}

// Info is what a hub tells of its repository.
type Info struct {
	Dir   string        // of the DVC repository, from the top of the working tree
	Lease time.Duration // how long a worker may be silent
	Data  bool          // the repository has no DVC remote: data goes through the hub
}

func (c *Conn) greet(ctx context.Context, w WorkerInfo) error {
	c.hello = hello{Protocol: protocol, Version: version(), Worker: w}
	got, err := call[hello](ctx, c, opHello, c.hello)
	if err != nil {
		return err
	}
	if got.Protocol != protocol {
		return fmt.Errorf("%w: the hub has %s, this is %s", ErrVersion, got.Version, version())
	}
	c.hello.Hub, c.hello.Checkout = got.Hub, got.Checkout
	return nil
}

// greetAgain tells a hub that has started anew who is there.
func (c *Conn) greetAgain() {
	if !c.greeting.CompareAndSwap(false, true) {
		return
	}
	defer c.greeting.Store(false)
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	if _, err := call[hello](ctx, c, opHello, c.hello); errors.Is(err, ErrVersion) {
		c.end(err)
	}
}

// Info is what the hub tells of itself.
func (c *Conn) Info() Info { return c.hello.Hub }

// Close ends the connection.
func (c *Conn) Close() {
	if c.nc != nil {
		c.nc.Close()
	}
}

// byeTimeout is how long a worker tries to say that it ends.
const byeTimeout = time.Second

// leave is Close for a worker. A hub that does not hear of it takes the worker for one
// that is there until its lease ends.
func (c *Conn) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), byeTimeout)
	defer cancel()
	call[none](ctx, c, opBye, none{})
	c.Close()
}

// Workers lists the workers of the hub.
func (c *Conn) Workers(ctx context.Context) ([]WorkerInfo, error) {
	return call[[]WorkerInfo](ctx, c, opWorkers, none{})
}

// Dismiss makes all workers end that have joined by now: after their tasks.
func (c *Conn) Dismiss(ctx context.Context) error {
	_, err := call[none](ctx, c, opDismiss, none{})
	return err
}

// Accept refuses what no worker that is there could run. While there are none
// everything is accepted.
func (c *Conn) Accept(ctx context.Context, need queue.Resources) error {
	if need.IsZero() {
		return nil
	}
	workers, err := c.Workers(ctx)
	if err != nil {
		return err
	}
	var lacks string
	for _, w := range workers {
		if lacks = need.Lacks(w.Offer); lacks == "" {
			return nil
		}
	}
	if lacks == "" {
		return nil
	}
	return fmt.Errorf("no worker offers %s, which the experiment needs (%s); 'queue workers' shows what they have", lacks, need)
}
