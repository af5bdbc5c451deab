package hub

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment/queue"
	"github.com/reprodl/reprodl/experiment/queue/storetest"
)

// site starts a NATS server that is not the hub's own, and returns its address.
func site(t *testing.T, change func(*server.Options)) (*server.Server, string) {
	t.Helper()
	s := siteServer(t, change)
	require.True(t, s.ReadyForConnections(time.Minute))
	return s, s.ClientURL()
}

func siteServer(t *testing.T, change func(*server.Options)) *server.Server {
	t.Helper()
	o := &server.Options{ServerName: "site", Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true}
	if change != nil {
		change(o)
	}
	s, err := server.NewServer(o)
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

// siteCluster starts three servers that keep one another's streams.
func siteCluster(t *testing.T) ([]*server.Server, string) {
	t.Helper()
	ports := make([]int, 3)
	var routes []string
	for i := range ports { // which each must know before it starts
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		ports[i] = l.Addr().(*net.TCPAddr).Port
		routes = append(routes, "nats://"+l.Addr().String())
		l.Close()
	}
	var list []*server.Server
	var urls []string
	for i, port := range ports {
		list = append(list, siteServer(t, func(o *server.Options) {
			o.ServerName = fmt.Sprint("site", i)
			o.Cluster = server.ClusterOpts{Name: "site", Host: "127.0.0.1", Port: port}
			o.Routes = server.RoutesFromStr(strings.Join(routes, ","))
		}))
	}
	for _, s := range list {
		require.True(t, s.ReadyForConnections(time.Minute))
		urls = append(urls, s.ClientURL())
	}
	require.Eventually(t, func() bool {
		led := false
		for _, s := range list {
			if !s.JetStreamIsCurrent() {
				return false
			}
			led = led || s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == len(list)
		}
		return led
	}, time.Minute, 20*time.Millisecond)
	return list, strings.Join(urls, ",")
}

const testTerm = 2 * time.Second

func at(url, space string) *Options {
	return &Options{URL: url, Space: space, Login: &Login{}, term: testTerm}
}

func dialSite(t *testing.T, h *Hub) *Conn {
	t.Helper()
	token, err := h.Token(Client, time.Hour)
	require.NoError(t, err)
	c, err := Dial(t.Context(), token, &DialOptions{Login: &Login{}, Patience: time.Minute})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func TestConnOverTheSitesServerIsAStore(t *testing.T) {
	_, url := site(t, nil)
	n := 0
	err := storetest.Test(t.Context(), func() (queue.Store, error) {
		n++
		return dialSite(t, startHub(t, t.TempDir(), at(url, fmt.Sprint("s", n)))), nil
	})
	require.NoError(t, err)
}

// TestOneHubAtATime: a second one is refused while the first one answers, and takes
// its place when it is silent, also if it only seemed to be dead.
func TestOneHubAtATime(t *testing.T) {
	_, url := site(t, nil)
	ctx := t.Context()
	first := startHub(t, t.TempDir(), at(url, "s"))
	c := dialSite(t, first)
	require.NoError(t, c.Put(ctx, queued("a", "b", "c")...))
	got, err := c.Claim(ctx, lease("one"))
	require.NoError(t, err)
	require.Equal(t, "a", got.ID)

	_, err = start(ctx, t.TempDir(), nil, at(url, "s"))
	require.ErrorIs(t, err, errRunning)
	startHub(t, t.TempDir(), at(url, "other")) // another repository's

	// As if its machine had stood still.
	first.rule.stop()
	<-first.rule.done
	second := startHub(t, t.TempDir(), at(url, "s"))
	assert.False(t, first.rule.holds(), "it is silent before another one speaks")
	first.rule.mu.Lock()
	first.rule.until = time.Now().Add(time.Hour) // it does not know
	first.rule.mu.Unlock()
	_, err = first.state.claim(ctx, lease("stale"), time.Hour, readiness{})
	require.ErrorIs(t, err, errReplaced, "what it gives out is never confirmed")
	<-first.Done()
	require.ErrorIs(t, first.Err(), errReplaced)

	got, err = c.Claim(ctx, lease("two"))
	require.NoError(t, err)
	assert.Equal(t, "b", got.ID)
	_, err = c.Renew(ctx, "a", "one", time.Now().Add(time.Hour))
	require.NoError(t, err, "a worker keeps its task")
	list, err := c.List(ctx)
	require.NoError(t, err)
	assert.Len(t, list, 3)

	// One that ends is replaced at once, and what was never said is not read for ever.
	second.Close()
	third := startHub(t, t.TempDir(), at(url, "s"))
	require.NoError(t, c.Put(ctx, queued("d")...))
	for _, id := range []string{"c", "d"} {
		got, err = c.Claim(ctx, lease(id))
		require.NoError(t, err)
		assert.Equal(t, id, got.ID)
	}
	require.Eventually(t, func() bool {
		info, err := third.state.log.stream.Info(ctx)
		return err == nil && info.State.Msgs <= 5
	}, time.Minute, 10*time.Millisecond)
}

// TestAWorkerIsKnownToTheNextHub though its connection never broke.
func TestAWorkerIsKnownToTheNextHub(t *testing.T) {
	_, url := site(t, nil)
	h := startHub(t, t.TempDir(), at(url, "s"))
	token, err := h.Token(Worker, 0)
	require.NoError(t, err)
	assert.Empty(t, token.Secret)
	parsed, err := ParseToken(token.String())
	require.NoError(t, err)
	w, err := Dial(t.Context(), parsed, &DialOptions{Login: &Login{}, Patience: -1, Worker: WorkerInfo{ID: "w1", Name: "far"}})
	require.NoError(t, err)
	t.Cleanup(w.Close)
	h.Close()
	h = startHub(t, t.TempDir(), at(url, "s"))
	require.Eventually(t, func() bool {
		_, err := w.Claim(t.Context(), lease("one"))
		return err == nil && len(h.Workers()) == 1 && h.Workers()[0].Name == "far"
	}, time.Minute, 10*time.Millisecond)
}

// TestSmallMessages goes through what is large with a server that takes little.
func TestSmallMessages(t *testing.T) {
	_, url := site(t, func(o *server.Options) { o.MaxPayload = 64 << 10 })
	ctx := t.Context()
	h := startHub(t, t.TempDir(), at(url, "s"))
	c := dialSite(t, h)
	var list []queue.Task
	for i := range 500 {
		list = append(list, queued(fmt.Sprint("task", i, strings.Repeat("x", 400)))...)
	}
	require.NoError(t, c.Put(ctx, list...))
	got, err := c.List(ctx)
	require.NoError(t, err)
	require.Len(t, got, len(list))
	h.Close()
	startHub(t, t.TempDir(), at(url, "s"))
	got, err = c.List(ctx)
	require.NoError(t, err)
	require.Len(t, got, len(list))
	assert.Equal(t, list[499].ID, got[499].ID)
}

// TestAServerOfTheClusterDies takes away, one after the other, the server that leads
// the stream, and brings it back.
func TestAServerOfTheClusterDies(t *testing.T) {
	servers, url := siteCluster(t)
	ctx := t.Context()
	h := startHub(t, t.TempDir(), at(url, "s"))
	assert.Equal(t, 3, h.replicas)
	c := dialSite(t, h)
	var ids []string
	for i := range 40 {
		ids = append(ids, fmt.Sprint("t", i))
	}
	require.NoError(t, c.Put(ctx, queued(ids...)...))
	for i, id := range ids {
		if i == 10 {
			info, err := h.state.log.stream.Info(ctx)
			require.NoError(t, err)
			for _, s := range servers {
				if s.Name() == info.Cluster.Leader {
					s.Shutdown()
					s.WaitForShutdown()
				}
			}
		}
		if i == 30 {
			h.Close()
			h = startHub(t, t.TempDir(), at(url, "s"))
		}
		got, err := c.Claim(ctx, lease(id))
		require.NoError(t, err)
		require.Equal(t, id, got.ID)
		require.NoError(t, c.Update(ctx, id, id, func(t *queue.Task) error { t.State = queue.Success; return nil }))
	}
	done, err := c.List(ctx, queue.Success)
	require.NoError(t, err)
	assert.Len(t, done, len(ids))
}

// TestTheSitesServerSaysNo: one error, and soon.
func TestTheSitesServerSaysNo(t *testing.T) {
	dir := t.TempDir()
	mine, others := selfSigned(t, filepath.Join(dir, "mine.pem")), selfSigned(t, filepath.Join(dir, "others.pem"))
	_, open := site(t, nil)
	_, login := site(t, func(o *server.Options) { o.Username, o.Password = "u", "right" })
	_, secure := site(t, func(o *server.Options) {
		c, err := server.GenTLSConfig(&server.TLSConfigOpts{CertFile: mine, KeyFile: mine})
		require.NoError(t, err)
		o.TLS, o.TLSConfig = true, c
	})
	_, plain := site(t, func(o *server.Options) { o.JetStream = false })
	_, poor := site(t, func(o *server.Options) {
		o.Users = []*server.User{{Username: "u", Password: "p", Permissions: &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"$JS.API.STREAM.>"}}}}}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := "nats://" + l.Addr().String()
	l.Close()
	secure = strings.Replace(secure, "nats://", "tls://", 1)
	for _, c := range []struct {
		name, url string
		login     Login
		want      string
	}{
		{"wrong password", login, Login{User: "u", Password: "wrong"}, "wrong or missing login"},
		{"no password", login, Login{}, "wrong or missing login"},
		{"file that is not there", open, Login{Creds: filepath.Join(dir, "no.creds")}, "no.creds"},
		{"unknown host", "nats://no-such-host.invalid:4222", Login{}, "no-such-host.invalid"},
		{"nobody", nobody, Login{}, "nobody answers there"},
		{"wrong authority", secure, Login{CA: others}, "NATS_CA"},
		{"system's authorities", secure, Login{}, "NATS_CA"},
		{"no TLS there", strings.Replace(open, "nats://", "tls://", 1), Login{}, "does not speak TLS"},
		{"JetStream is off", plain, Login{}, "JetStream is not on"},
		{"no right to streams", poor, Login{User: "u", Password: "p"}, "the account lacks rights"},
		{"not an address", "http://example.org", Login{}, "is not the address of a NATS server"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := at(c.url, "s")
			o.Login = &c.login
			_, err := start(t.Context(), t.TempDir(), nil, o)
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), "\n")
			if strings.Contains(c.want, "JetStream") || strings.Contains(c.want, "rights") || strings.Contains(c.want, "address") {
				return
			}
			_, err = Dial(t.Context(), &Token{Addresses: []string{c.url}, Role: Worker, Space: "s"}, &DialOptions{Login: &c.login})
			require.ErrorContains(t, err, c.want)
			if strings.Contains(c.want, "login") {
				assert.ErrorIs(t, err, ErrRefused)
			}
		})
	}
	h := startHub(t, t.TempDir(), &Options{URL: strings.Replace(login, "//", "//u:right@", 1), Space: "s", Login: &Login{}})
	token, err := h.Token(Worker, 0)
	require.NoError(t, err)
	assert.NotContains(t, fmt.Sprint(token.Addresses), "right", "the login is not in the token")
	_, err = Dial(t.Context(), &Token{Addresses: []string{open}, Role: Worker, Space: "s"}, &DialOptions{Login: &Login{}, Patience: time.Nanosecond})
	assert.ErrorIs(t, err, errNoHub)
	o := at(secure, "s")
	o.Login.CA = mine
	dialed := startHub(t, t.TempDir(), o)
	assert.NotNil(t, dialed.rule)
}

// A user's key of its own, for tests alone.
const (
	testSeed = "SUAMDRYXH6B2NB27TUABLUAAPV3735DH2AMX5FFEMX5LXUGDDS7TDTD5X4"
	testNKey = "UB7VOCT4GMSCZWP2JL42ECUHW4D47UBCS6G7VL7TLUT674LH7VWHIWRY"
)

// TestTheSitesAccounts have the rights that the package's documentation lists, and no
// others; the hub comes with an nkey.
func TestTheSitesAccounts(t *testing.T) {
	subjects := func(list ...string) *server.SubjectPermission { return &server.SubjectPermission{Allow: list} }
	_, url := site(t, func(o *server.Options) {
		o.Nkeys = []*server.NkeyUser{{Nkey: testNKey, Permissions: &server.Permissions{
			Publish:   subjects("s.>", "$JS.API.>", "$JS.FC.>", "$KV.REPRODL_s.>", "$O.REPRODL_s.>", "_INBOX.>"),
			Subscribe: subjects("s.>", "_INBOX.>")}}}
		o.Users = []*server.User{
			{Username: "worker", Password: "w", Permissions: &server.Permissions{Publish: subjects("s.w.>"), Subscribe: subjects("_INBOX.>")}},
			{Username: "client", Password: "c", Permissions: &server.Permissions{Publish: subjects("s.w.>", "s.c.>"), Subscribe: subjects("_INBOX.>", "s.e", "s.l.>")}},
		}
	})
	seed := filepath.Join(t.TempDir(), "seed.nk")
	require.NoError(t, os.WriteFile(seed, []byte(testSeed), 0o600))
	ctx := t.Context()
	o := at(url, "s")
	o.Login = &Login{NKey: seed}
	h := startHub(t, t.TempDir(), o)
	join := func(role Role, l *Login) *Conn {
		token, err := h.Token(role, 0)
		require.NoError(t, err)
		c, err := Dial(ctx, token, &DialOptions{Login: l})
		require.NoError(t, err)
		t.Cleanup(c.Close)
		return c
	}
	client, worker := join(Client, &Login{User: "client", Password: "c"}), join(Worker, &Login{User: "worker", Password: "w"})
	changes := client.Watch(ctx)
	require.NoError(t, client.Put(ctx, queued("a")...))
	for task, err := range changes {
		require.NoError(t, err)
		assert.Equal(t, "a", task.ID)
		break
	}
	got, err := worker.Claim(ctx, lease("one"))
	require.NoError(t, err)
	require.Equal(t, "a", got.ID)
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	assert.Error(t, worker.Put(short, queued("mine")...), "a worker does not queue")
	list, err := client.List(ctx)
	require.NoError(t, err)
	assert.Len(t, list, 1)
	h.Close()
	h = startHub(t, t.TempDir(), o)
	list, err = client.List(ctx)
	require.NoError(t, err)
	assert.Len(t, list, 1)
	js, err := jetstream.New(h.nc)
	require.NoError(t, err)
	k, err := h.openKeeper(ctx, js)
	require.NoError(t, err)
	require.NoError(t, k.put(ctx, "task.x", make([]byte, 3<<20)))
	data, err := k.store.GetBytes(ctx, "task.x")
	require.NoError(t, err)
	assert.Len(t, data, 3<<20)
	require.NoError(t, k.drop(ctx, "task.x"))
}
