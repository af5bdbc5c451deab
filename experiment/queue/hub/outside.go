package hub

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/internal/git"
)

// outsideTimeout is how long a server may take to answer that is to be found out
// about.
const outsideTimeout = 5 * time.Second

// servers splits a list of addresses, and takes what is secret out of them for
// those that others are told.
func servers(list string) (with, without []string, err error) {
	for _, s := range strings.Split(list, ",") {
		s = strings.TrimSpace(s)
		if !strings.Contains(s, "://") {
			s = "nats://" + s
		}
		u, err := url.Parse(s)
		if err != nil || u.Hostname() == "" || u.Scheme != "nats" && u.Scheme != "tls" && u.Scheme != "ws" && u.Scheme != "wss" {
			if u == nil {
				u = new(url.URL)
			}
			return nil, nil, fmt.Errorf("%q is not the address of a NATS server, which is nats://HOST:PORT or tls://HOST:PORT", u.Redacted())
		}
		with = append(with, s)
		u.User = nil
		without = append(without, u.String())
	}
	return with, without, nil
}

// outsideError says what is wrong with a server that is not the hub's own.
func outsideError(at string, err error) error {
	var (
		ca   x509.UnknownAuthorityError
		name x509.HostnameError
		dns  *net.DNSError
	)
	why, code := "", codeOf(err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrRefused):
		return err
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked), errors.Is(err, nats.ErrAccountAuthExpired),
		strings.Contains(strings.ToLower(err.Error()), "authorization violation"):
		return fmt.Errorf("the NATS server at %s: %w; NATS_USER and NATS_PASSWORD, NATS_TOKEN, NATS_CREDS or NATS_NKEY must be what the site gave out", at, errLogin)
	case errors.As(err, &ca):
		why = "its certificate is of an authority that this machine does not know; NATS_CA names the file of the right one"
	case errors.As(err, &name):
		why = "its certificate is for another host"
	case errors.As(err, &dns):
		why = "there is no such host"
	case errors.Is(err, nats.ErrNoServers):
		why = "nobody answers there"
	case errors.Is(err, nats.ErrSecureConnWanted):
		why = "it does not speak TLS, which was asked for"
	case strings.Contains(err.Error(), "closed by remote after TLS handshake"):
		// With TLS 1.3 a server looks at the certificate when the handshake is over.
		why = "it refuses the certificate of this machine, or wants one; NATS_CERT and NATS_KEY name the files"
	case errors.Is(err, nats.ErrPermissionViolation):
		why = "the account lacks rights"
	case code == jetstream.JSErrCodeJetStreamNotEnabled, code == jetstream.JSErrCodeJetStreamNotEnabledForAccount:
		why = "JetStream is not on there, or not for this account"
	case code == errNoPeers, code == errNoCluster:
		why = "too few of its servers run for as many copies as are wanted (--replicas)"
	}
	if why != "" {
		why += ": "
	}
	return fmt.Errorf("the NATS server at %s: %s%w", at, why, err)
}

// errLogin says that a site's server does not know who asks.
var errLogin = fmt.Errorf("%w: wrong or missing login", ErrRefused)

// spaceOf is the name under which all clones of a repository have one queue: made
// of its first commit, and of the place of the DVC repository in it.
func spaceOf(ctx context.Context, r *experiment.Repo) (string, error) {
	g, err := git.Open(r.Root())
	if err != nil {
		return "", err
	}
	defer g.Close()
	shallow, err := g.Run(ctx, "rev-parse", "--is-shallow-repository")
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(string(shallow)) == "true" {
		return "", errors.New("the first commit of a shallow clone is not known, which names the queue: fetch --unshallow, or give it a name (--space)")
	}
	out, err := g.Run(ctx, "rev-list", "--max-parents=0", "HEAD")
	roots := strings.Fields(string(out))
	if err != nil || len(roots) == 0 {
		return "", errors.Join(errors.New("the queue is named by the first commit of the repository, and there is none"), err)
	}
	sum := sha256.Sum256([]byte(roots[len(roots)-1] + " " + path.Clean(r.Sub())))
	return "q-" + hex.EncodeToString(sum[:6]), nil
}

// checkSpace refuses what NATS would not take for a part of a subject and a
// stream's name.
func checkSpace(s string) error {
	if s == "" || strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-' && r != '_'
	}) {
		return fmt.Errorf("%q cannot be the name of a queue: letters, digits, - and _ can", s)
	}
	return nil
}

// outside connects to the site's server, and sees whether it can be used.
func (h *Hub) outside() (jetstream.JetStream, error) {
	with, without, err := servers(h.opts.URL)
	if err != nil {
		return nil, err
	}
	h.urls = without
	if h.space = h.opts.Space; h.space == "" && h.repo != nil {
		if h.space, err = spaceOf(h.ctx, h.repo); err != nil {
			return nil, err
		}
	}
	if err := checkSpace(h.space); err != nil {
		return nil, err
	}
	opts, err := loginOr(h.opts.Login).options()
	if err != nil {
		return nil, err
	}
	at := strings.Join(without, ", ")
	opts = append(opts, nats.Name("reprodl hub"),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { h.log.Debug(err.Error()) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil && h.ctx.Err() == nil {
				h.log.Warn(fmt.Sprintf("the NATS server was lost, and is looked for: %v", err))
			}
		}),
		nats.ClosedHandler(func(nc *nats.Conn) { h.cancel(outsideError(at, cmp.Or(nc.LastError(), errStopped))) }))
	if h.nc, err = nats.Connect(strings.Join(with, ","), opts...); err != nil {
		return nil, outsideError(at, err)
	}
	js, err := jetstream.New(h.nc, jetstream.WithDefaultTimeout(outsideTimeout))
	if err != nil {
		return nil, err
	}
	err = h.settled(func() error { _, err := js.AccountInfo(h.ctx); return err })
	if err == nil {
		err = h.settled(func() error { h.replicas, err = h.copies(js); return err })
	}
	if err == nil {
		err = h.reign(js)
	}
	return js, h.siteError(err)
}

// siteError is an error in the words for the site's server, if it is of that.
func (h *Hub) siteError(err error) error {
	if h.server != nil {
		return err
	}
	return outsideError(strings.Join(h.urls, ", "), err)
}

// copies is on how many servers the queue is kept: those of the stream that is there,
// if nobody says otherwise.
func (h *Hub) copies(js jetstream.JetStream) (int, error) {
	if h.opts.Replicas > 0 {
		return h.opts.Replicas, nil
	}
	s, err := js.Stream(h.ctx, streamOf(h.space))
	switch {
	case err == nil:
		return max(1, s.CachedInfo().Config.Replicas), nil
	case codeOf(err) != jetstream.JSErrCodeStreamNotFound:
		return 0, err
	case h.nc.ConnectedClusterName() != "":
		return 3, nil
	}
	return 1, nil
}

// settled repeats what a cluster that has no leader at the moment cannot do.
func (h *Hub) settled(fn func() error) error {
	began := time.Now()
	for {
		err := fn()
		if err == nil || !passing(err) || time.Since(began) > outsideTimeout {
			if last := h.nc.LastError(); err != nil && errors.Is(last, nats.ErrPermissionViolation) {
				err = last // the reason why there was no answer
			}
			return err
		}
		select {
		case <-h.ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// codeOf is the server's own number of an error; 0 is none.
func codeOf(err error) jetstream.ErrorCode {
	var api *jetstream.APIError
	var js jetstream.JetStreamError
	switch {
	case errors.As(err, &api):
		return api.ErrorCode
	case errors.As(err, &js) && js.APIError() != nil:
		return js.APIError().ErrorCode
	}
	return 0
}

// passing reports whether an error of a server comes of its state, not of what it
// was asked: a cluster may have to find a leader first.
func passing(err error) bool {
	switch codeOf(err) {
	case errClusterNotAvailable, errNoLeader, errNoPeers:
		return true
	}
	for _, e := range []error{nats.ErrTimeout, nats.ErrNoResponders, jetstream.ErrNoStreamResponse, nats.ErrDisconnected, nats.ErrConnectionReconnecting,
		nats.ErrReconnectBufExceeded, context.DeadlineExceeded} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// What a cluster answers in which too few servers run.
const (
	errNoPeers             jetstream.ErrorCode = 10005
	errClusterNotAvailable jetstream.ErrorCode = 10008
	errNoLeader            jetstream.ErrorCode = 10009
	errNoCluster           jetstream.ErrorCode = 10074
)

// wrongSequence reports whether somebody else wrote meanwhile.
func wrongSequence(err error) bool {
	code := codeOf(err)
	return code == jetstream.JSErrCodeStreamWrongLastSequence || code == jetstream.JSErrCodeStreamWrongLastSequenceConstant
}
