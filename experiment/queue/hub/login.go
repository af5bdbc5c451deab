package hub

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// Login is how to be let in by a NATS server that is not the hub's own. Which
// fields are set depends on how the site's accounts are made; the zero Login is
// for a server that asks for nothing.
type Login struct {
	User, Password string
	Token          string
	Creds          string // file with a user's JWT and seed
	NKey           string // file with the seed of an nkey
	CA             string // file with the authorities of the server's certificate; "" is the system's
	Cert, Key      string // files of the client's own certificate

	carried bool // the files' contents stand for their names
}

// EnvLogin reads a Login where NATS's own tools have it: NATS_USER, NATS_PASSWORD,
// NATS_TOKEN, NATS_CREDS, NATS_NKEY, NATS_CA, NATS_CERT and NATS_KEY; without the first
// three, what REPRODL_QUEUE_URL has before an @.
func EnvLogin(getenv func(string) string) *Login {
	l := &Login{User: getenv("NATS_USER"), Password: getenv("NATS_PASSWORD"), Token: getenv("NATS_TOKEN"), Creds: getenv("NATS_CREDS"),
		NKey: getenv("NATS_NKEY"), CA: getenv("NATS_CA"), Cert: getenv("NATS_CERT"), Key: getenv("NATS_KEY")}
	if l.User == "" && l.Password == "" && l.Token == "" {
		l.fromURL(getenv("REPRODL_QUEUE_URL"))
	}
	return l
}

// fromURL takes user and password, or a token, from the first of some addresses that has
// them.
func (l *Login) fromURL(list string) {
	for s := range strings.SplitSeq(list, ",") {
		u, err := url.Parse(strings.TrimSpace(s))
		if err != nil || u.User == nil {
			continue
		}
		if password, ok := u.User.Password(); ok {
			l.User, l.Password = u.User.Username(), password
		} else {
			l.Token = u.User.Username()
		}
		return
	}
}

// loginOr is a login, or the one of this process's environment.
func loginOr(l *Login) *Login {
	if l == nil {
		return EnvLogin(os.Getenv)
	}
	return l
}

// files are the fields that name files.
func (l *Login) files() []*string { return []*string{&l.Creds, &l.NKey, &l.CA, &l.Cert, &l.Key} }

// Carry is the login as one line for another machine, with what is in its files:
// a secret, for [CarriedLogin] there. It is "" for the zero Login.
func (l *Login) Carry() (string, error) {
	out := *l
	for _, f := range out.files() {
		if *f == "" || l.carried {
			continue
		}
		data, err := os.ReadFile(*f)
		if err != nil {
			return "", fmt.Errorf("the login to NATS: %w", err)
		}
		*f = string(data)
	}
	if out.carried = false; out == (Login{}) {
		return "", nil
	}
	data, err := json.Marshal(out)
	return base64.RawURLEncoding.EncodeToString(data), err
}

// CarriedLogin is the inverse of [Login.Carry]: it needs no files.
func CarriedLogin(line string) (*Login, error) {
	l := new(Login)
	data, err := base64.RawURLEncoding.DecodeString(strings.TrimSpace(line))
	if err == nil && len(data) > 0 {
		err = json.Unmarshal(data, l)
	}
	if err != nil {
		return nil, errors.New("this is not a login to NATS, or only a part of one")
	}
	l.carried = true
	return l, nil
}

// options are those of a connection.
func (l *Login) options() ([]nats.Option, error) {
	opts := []nats.Option{nats.Timeout(outsideTimeout), nats.MaxReconnects(-1), nats.ReconnectWait(200 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 500*time.Millisecond), nats.ReconnectBufSize(-1), nats.PingInterval(10 * time.Second), nats.MaxPingsOutstanding(2)}
	if l.User != "" {
		opts = append(opts, nats.UserInfo(l.User, l.Password))
	}
	if l.Token != "" {
		opts = append(opts, nats.Token(l.Token))
	}
	more := l.fileOptions
	if l.carried {
		more = l.carriedOptions
	}
	list, err := more()
	if err != nil {
		return nil, fmt.Errorf("the login to NATS: %w", err)
	}
	return append(opts, list...), nil
}

// fileOptions leave files that change, as those with tokens of an hour, to be read at
// each connection.
func (l *Login) fileOptions() (opts []nats.Option, err error) {
	for _, name := range l.files() {
		if *name == "" {
			continue
		}
		if _, err := os.Stat(*name); err != nil {
			return nil, err
		}
	}
	if l.Creds != "" {
		opts = append(opts, nats.UserCredentials(l.Creds))
	}
	if l.NKey != "" {
		o, err := nats.NkeyOptionFromSeed(l.NKey)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.NKey, err)
		}
		opts = append(opts, o)
	}
	if l.CA != "" {
		opts = append(opts, nats.RootCAs(l.CA))
	}
	if l.Cert != "" {
		opts = append(opts, nats.ClientCert(l.Cert, cmp.Or(l.Key, l.Cert)))
	}
	return opts, nil
}

// carriedOptions are those of a login without files.
func (l *Login) carriedOptions() (opts []nats.Option, err error) {
	if l.Creds != "" {
		opts = append(opts, nats.UserCredentialBytes([]byte(l.Creds)))
	}
	if l.NKey != "" {
		pair, err := nkeys.ParseDecoratedNKey(bytes.TrimSpace([]byte(l.NKey)))
		if err != nil {
			return nil, fmt.Errorf("the nkey: %w", err)
		}
		public, err := pair.PublicKey()
		if err != nil {
			return nil, fmt.Errorf("the nkey: %w", err)
		}
		opts = append(opts, nats.Nkey(public, pair.Sign))
	}
	var (
		own    nats.TLSCertHandler
		others nats.RootCAsHandler
	)
	if l.CA != "" {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM([]byte(l.CA)) {
			return nil, errors.New("there is no certificate of an authority in what is given for one")
		}
		others = func() (*x509.CertPool, error) { return pool, nil }
	}
	if l.Cert != "" {
		pair, err := tls.X509KeyPair([]byte(l.Cert), []byte(cmp.Or(l.Key, l.Cert)))
		if err != nil {
			return nil, err
		}
		own = func() (tls.Certificate, error) { return pair, nil }
	}
	if own != nil || others != nil {
		opts = append(opts, nats.ClientTLSConfig(own, others))
	}
	return opts, nil
}
