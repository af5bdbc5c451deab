package hub

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/internal/host"
)

// Options change how a hub works. Nil means the zero Options.
type Options struct {
	// Listen is the address, host:port; "" is 127.0.0.1 and the port of the
	// last time. Without a port that port is kept too.
	Listen string
	// Lease is how long a worker may be silent before another one gets its
	// task; 0 is a minute.
	Lease time.Duration
	// Losses is how many workers a task may cost before it fails; 0 is 5.
	Losses int
	// DataLimit is how large a file may be that goes through the hub, in bytes,
	// where there is no DVC remote; 0 is a gibibyte.
	DataLimit int64
	// URL is a NATS server with JetStream, or some of a cluster's separated by commas,
	// that is used in place of the embedded one: nats://HOST:PORT or tls://HOST:PORT.
	// "" embeds. Listen means nothing then.
	URL string
	// Login is how that server lets the hub in; nil is [EnvLogin] of os.Getenv.
	Login *Login
	// Space is the first part of all subjects there, and of the streams' names. ""
	// is made of the repository's first commit: all its clones have one queue, and
	// other repositories have others.
	Space string
	// Replicas is on how many servers of a cluster the queue is kept; 0 is as it was
	// made, at first 3 in a cluster and 1 elsewhere.
	Replicas int
	// DataHere lets data be on the hub's machine alone, where there is no DVC remote: with
	// URL that is refused otherwise ([ErrDataHere]), as the queue is to outlive the machine.
	DataHere bool
	Logger   *slog.Logger // receives warnings; nil discards them

	term time.Duration // 0 is defaultTerm
}

// Hub serves the queue of a repository to other machines.
type Hub struct {
	opts  Options
	repo  *experiment.Repo // nil: tasks only
	dir   string           // of the DVC repository from the top of the working tree
	path  string           // directory of the hub's files
	files string           // of the queue's files, as of logs
	data  bool             // there is no DVC remote
	cache string           // directory of the DVC cache
	space string
	log   *slog.Logger

	checkout checkout

	lock     *os.File
	server   *server.Server // nil: the site's
	urls     []string       // of the site's, without secrets
	replicas int
	rule     *reign
	keeper   *keeper // nil without repository, or with the hub's own server
	nc       *nats.Conn
	state    *state
	ctx      context.Context
	cancel   context.CancelCauseFunc
	pin      string
	inner    string // secret of the hub's own connection

	recording sync.Mutex
	logs      logs

	mu        sync.Mutex
	workers   map[string]*WorkerInfo
	dismissed time.Time      // workers that joined before are to end
	open      map[uint64]Key // connections by the server's number
}

// errRunning says that the repository has a hub already.
var errRunning = errors.New("another process serves this queue already")

// start starts a hub whose files are in path.
func start(ctx context.Context, path string, repo *experiment.Repo, opts *Options) (*Hub, error) {
	h := &Hub{repo: repo, path: path, space: "q", dir: ".", inner: rand.Text(), workers: map[string]*WorkerInfo{}, open: map[uint64]Key{}}
	if opts != nil {
		h.opts = *opts
	}
	if h.opts.Lease <= 0 {
		h.opts.Lease = time.Minute
	}
	if h.opts.Losses == 0 {
		h.opts.Losses = 5
	}
	if h.opts.DataLimit <= 0 {
		h.opts.DataLimit = 1 << 30
	}
	h.files, h.logs.at = filepath.Dir(path), map[string]logPlace{}
	if h.log = h.opts.Logger; h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if err := h.takeLock(); err != nil {
		return nil, err
	}
	h.ctx, h.cancel = context.WithCancelCause(ctx)
	if err := h.begin(); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// takeLock keeps other hubs away from the same files.
func (h *Hub) takeLock() error {
	// What a queue of one machine has, others may see as before.
	for _, dir := range []string{filepath.Join(h.files, "logs"), filepath.Join(h.files, "live")} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(h.path, "tmp"), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(h.path, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if ok, err := host.TryLock(f); err != nil || !ok {
		f.Close()
		return errors.Join(errRunning, err)
	}
	h.lock = f
	// What a former hub was sent by halves.
	left, _ := filepath.Glob(filepath.Join(h.path, "tmp", "*"))
	for _, name := range left {
		os.Remove(name)
	}
	return nil
}

func (h *Hub) begin() error {
	if err := h.prepare(); err != nil {
		return err
	}
	connect := h.embedded
	if h.opts.URL != "" {
		connect = h.outside
	}
	js, err := connect()
	if err != nil {
		return err
	}
	h.state = newState(h.opts.Losses)
	if h.state.log, err = h.openJournal(h.ctx, js, h.state.restore); err != nil {
		h.state.log = nil
		return h.siteError(err)
	}
	h.state.rev += revGap
	if h.rule != nil && h.repo != nil {
		h.ownLogs()
	}
	h.state.log.fail = func(err error) {
		h.log.Error(err.Error())
		h.cancel(err)
	}
	h.state.changed = append(h.state.changed, h.tell)
	if h.rule != nil && h.repo != nil {
		if h.keeper, err = h.openKeeper(h.ctx, js); err != nil {
			return h.siteError(err)
		}
		h.state.changed = append(h.state.changed, h.keeper.note)
	}
	h.state.log.start(h.ctx)
	return h.serve()
}

// revGap is more than the changes that a hub can have told of and not written when it was
// ended: who watches would take those of the next one for them.
const revGap = 1 << 20

// embedded starts a server of the hub's own.
func (h *Hub) embedded() (jetstream.JetStream, error) {
	if err := h.startServer(); err != nil {
		return nil, err
	}
	conn := &Conn{token: &Token{Pin: h.pin}}
	var err error
	h.nc, err = nats.Connect("tls://"+here(h.server.Addr().(*net.TCPAddr)), nats.Secure(conn.tlsConfig()), nats.TLSHandshakeFirst(),
		nats.UserInfo(innerUser, h.inner), nats.MaxReconnects(-1), nats.Name("hub"),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { h.log.Debug(err.Error()) }))
	if err != nil {
		return nil, err
	}
	go h.expel()
	return jetstream.New(h.nc)
}

// port is where the last hub listened, so that tokens stay good.
func (h *Hub) portFile() string { return filepath.Join(h.path, "port") }

func (h *Hub) listenAddress() (string, int, error) {
	address, port, err := net.SplitHostPort(h.opts.Listen)
	if err != nil { // no port
		address, port = strings.Trim(h.opts.Listen, "[]"), ""
	}
	if address == "" {
		address = "127.0.0.1"
	}
	if port == "" {
		data, _ := os.ReadFile(h.portFile())
		if port = strings.TrimSpace(string(data)); port == "" {
			port = "0"
		}
	}
	n, err := strconv.Atoi(port)
	if err != nil || n < 0 || n > 65535 {
		return "", 0, fmt.Errorf("%q is not an address to listen at; it is HOST:PORT, or HOST alone", h.opts.Listen)
	}
	if n == 0 {
		n = server.RANDOM_PORT
	}
	return address, n, nil
}

func (h *Hub) startServer() error {
	cert, err := certificate(h.path, time.Now())
	if err != nil {
		return err
	}
	h.pin = pinOf(cert.Certificate[0])
	address, port, err := h.listenAddress()
	if err != nil {
		return err
	}
	// The server itself would try again for long, and say so twice.
	l, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(max(0, port))))
	if err != nil {
		return fmt.Errorf("the hub cannot listen there (%w); --listen takes another address", err)
	}
	l.Close()
	o := &server.Options{ServerName: "reprodl", Host: address, Port: port, NoSigs: true, NoLog: true, MaxPayload: maxMessage + 64<<10, MaxPending: 256 << 20,
		JetStream: true, StoreDir: filepath.Join(h.path, "stream"), SyncAlways: true, DisableJetStreamBanner: true,
		TLS: true, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}}, TLSTimeout: 20, AuthTimeout: 30, TLSHandshakeFirst: true,
		CustomClientAuthentication: h, PingInterval: 20 * time.Second}
	if h.server, err = server.NewServer(o); err != nil {
		return err
	}
	h.server.SetLoggerV2(&serverLog{h.log}, false, false, false)
	h.server.Start()
	if !h.server.ReadyForConnections(20 * time.Second) {
		return fmt.Errorf("the hub does not start at %s", net.JoinHostPort(address, strconv.Itoa(port)))
	}
	tcp, ok := h.server.Addr().(*net.TCPAddr)
	if !ok {
		return errors.New("the hub has no address")
	}
	return writeSecret(h.portFile(), []byte(strconv.Itoa(tcp.Port)))
}

// Done is closed when the hub can no longer serve; Err says why.
func (h *Hub) Done() <-chan struct{} { return h.ctx.Done() }

// Err is why the hub ended.
func (h *Hub) Err() error { return context.Cause(h.ctx) }

// Close ends the hub. Tasks that run go on under their workers, which wait for
// the next hub.
func (h *Hub) Close() {
	h.cancel(errStopped)
	if h.state != nil && h.state.log != nil {
		select {
		case <-h.state.log.done:
		case <-time.After(writeTimeout):
		}
		if h.repo != nil && !errors.Is(h.Err(), errReplaced) {
			ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
			defer cancel()
			if err := h.giveBack(ctx); err != nil {
				h.log.Warn("the queue of this machine was not told: " + err.Error())
			}
		}
	}
	h.rule.end()
	if h.nc != nil {
		h.nc.Close()
	}
	if h.server != nil {
		h.server.Shutdown()
		h.server.WaitForShutdown()
	}
	h.lock.Close()
}

// keys is the file with the keys of this hub.
func (h *Hub) keys() keyring { return keyring{filepath.Join(h.path, "keys.json")} }

// Token makes a token. A life of zero is for ever.
//
// With [Options].URL it tells where that server is, and holds no secret: who may do
// what is for its accounts to say, and the token neither ends nor can be revoked.
func (h *Hub) Token(role Role, life time.Duration) (*Token, error) {
	if h.server == nil {
		return &Token{Addresses: h.urls, Role: role, Space: h.space}, nil
	}
	return issue(h.path, role, life, h.server.Addr().(*net.TCPAddr))
}

// issue makes a token for the hub with files in path, which need not run.
func issue(path string, role Role, life time.Duration, at *net.TCPAddr) (*Token, error) {
	cert, err := certificate(path, time.Now())
	if err != nil {
		return nil, err
	}
	key, secret, err := keyring{filepath.Join(path, "keys.json")}.issue(role, life, time.Now())
	if err != nil {
		return nil, err
	}
	return &Token{Addresses: addresses(at), Pin: pinOf(cert.Certificate[0]), ID: key.ID, Secret: secret, Role: role, Space: "q", Expires: key.Expires}, nil
}

// addresses are those under which others may reach a listener: if it listens
// everywhere, the name of the machine and all its addresses.
func addresses(at *net.TCPAddr) []string {
	port := strconv.Itoa(at.Port)
	if !at.IP.IsUnspecified() {
		return []string{net.JoinHostPort(at.IP.String(), port)}
	}
	var list []string
	if name, err := os.Hostname(); err == nil && name != "" {
		list = append(list, net.JoinHostPort(name, port))
	}
	nets, _ := net.InterfaceAddrs()
	for _, a := range nets {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() {
			list = append(list, net.JoinHostPort(ip.IP.String(), port))
		}
	}
	return append(list, net.JoinHostPort("127.0.0.1", port))
}

// here is how this machine reaches its own listener.
func here(at *net.TCPAddr) string {
	ip := at.IP
	if ip.IsUnspecified() {
		ip = net.IPv4(127, 0, 0, 1)
	}
	return net.JoinHostPort(ip.String(), strconv.Itoa(at.Port))
}

// serverLog passes on what the server has to complain about.
type serverLog struct{ log *slog.Logger }

func (l *serverLog) Noticef(string, ...any)    {}
func (l *serverLog) Debugf(string, ...any)     {}
func (l *serverLog) Tracef(string, ...any)     {}
func (l *serverLog) Warnf(f string, v ...any)  { l.log.Debug(fmt.Sprintf(f, v...)) }
func (l *serverLog) Errorf(f string, v ...any) { l.log.Debug(fmt.Sprintf(f, v...)) }
func (l *serverLog) Fatalf(f string, v ...any) { l.log.Error(fmt.Sprintf(f, v...)) }
