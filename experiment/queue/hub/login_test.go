package hub

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	encpem "encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// selfSigned writes a certificate that is its own authority, and its key, in one file.
func selfSigned(t *testing.T, file string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: filepath.Base(file)}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	data := append(encpem.EncodeToMemory(&encpem.Block{Type: "CERTIFICATE", Bytes: der}), encpem.EncodeToMemory(&encpem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
	require.NoError(t, os.WriteFile(file, data, 0o600))
	return file
}

// credsOf makes an operator with an account that has JetStream, changes a server to
// it, and returns the credentials of a user.
func credsOf(t *testing.T, o *server.Options) string {
	t.Helper()
	pair := func(make func() (nkeys.KeyPair, error)) (nkeys.KeyPair, string) {
		k, err := make()
		require.NoError(t, err)
		public, err := k.PublicKey()
		require.NoError(t, err)
		return k, public
	}
	operator, operatorID := pair(nkeys.CreateOperator)
	_, systemID := pair(nkeys.CreateAccount)
	account, accountID := pair(nkeys.CreateAccount)
	user, userID := pair(nkeys.CreateUser)
	resolver := &server.MemAccResolver{}
	for _, id := range []string{systemID, accountID} {
		c := jwt.NewAccountClaims(id)
		if id == accountID {
			c.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit}
		}
		text, err := c.Encode(operator)
		require.NoError(t, err)
		require.NoError(t, resolver.Store(id, text))
	}
	text, err := jwt.NewUserClaims(userID).Encode(account)
	require.NoError(t, err)
	seed, err := user.Seed()
	require.NoError(t, err)
	creds, err := jwt.FormatUserConfig(text, seed)
	require.NoError(t, err)
	o.TrustedKeys, o.AccountResolver, o.SystemAccount = []string{operatorID}, resolver, systemID
	return string(creds)
}

// TestLogins lets a hub and a worker in by each kind of login that the site's servers
// may ask for, the worker by what came from another machine.
func TestLogins(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		return filepath.Join(dir, name)
	}
	theirs, mine, stranger := selfSigned(t, filepath.Join(dir, "theirs.pem")), selfSigned(t, filepath.Join(dir, "mine.pem")), selfSigned(t, filepath.Join(dir, "stranger.pem"))
	secure := func(o *server.Options) {
		c, err := server.GenTLSConfig(&server.TLSConfigOpts{CertFile: theirs, KeyFile: theirs, CaFile: mine, Verify: true})
		require.NoError(t, err)
		o.TLS, o.TLSVerify, o.TLSConfig = true, true, c
	}
	other := credsOf(t, &server.Options{})
	for _, c := range []struct {
		name         string
		server       func(*server.Options) // may set good
		good, wrong  Login
		secret, want string // of the good one, and what is said of the wrong one
	}{
		{"user", func(o *server.Options) { o.Username, o.Password = "u", "right" }, Login{User: "u", Password: "right"}, Login{User: "u", Password: "wrong"}, "right", "login"},
		{"token", func(o *server.Options) { o.Authorization = "right" }, Login{Token: "right"}, Login{Token: "wrong"}, "right", "login"},
		{"nkey", func(o *server.Options) { o.Nkeys = []*server.NkeyUser{{Nkey: testNKey}} }, Login{NKey: file("user.nk", testSeed)}, Login{}, testSeed, "login"},
		{"creds", func(o *server.Options) { file("user.creds", credsOf(t, o)) }, Login{Creds: filepath.Join(dir, "user.creds")}, Login{Creds: file("other.creds", other)}, "SEED", "login"},
		{"certificate", secure, Login{CA: theirs, Cert: mine}, Login{CA: theirs, Cert: stranger}, "PRIVATE", "certificate"},
		{"certificate and user", func(o *server.Options) { secure(o); o.Username, o.Password = "u", "right" }, Login{CA: theirs, Cert: mine, User: "u", Password: "right"},
			Login{CA: theirs, Cert: mine}, "PRIVATE", "login"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, url := site(t, c.server)
			o := at(url, "s")
			o.Login = &c.good
			h := startHub(t, t.TempDir(), o)
			token, err := h.Token(Worker, 0)
			require.NoError(t, err)
			line, err := c.good.Carry()
			require.NoError(t, err)
			assert.NotContains(t, line, "\n")
			carried, err := CarriedLogin(line + "\n")
			require.NoError(t, err)
			again, err := carried.Carry()
			require.NoError(t, err)
			assert.Equal(t, line, again)
			for _, l := range []*Login{&c.good, carried} {
				conn, err := Dial(t.Context(), token, &DialOptions{Login: l})
				require.NoError(t, err)
				task, err := conn.Claim(t.Context(), lease("x"))
				require.NoError(t, err)
				assert.Nil(t, task)
				conn.Close()
			}
			assert.NotContains(t, token.String(), c.secret)
			_, err = Dial(t.Context(), token, &DialOptions{Login: &c.wrong})
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), c.secret)
		})
	}
	none, err := new(Login).Carry()
	require.NoError(t, err)
	assert.Empty(t, none)
	_, err = (&Login{Creds: filepath.Join(dir, "no.creds")}).Carry()
	require.ErrorContains(t, err, "no.creds")
	_, err = CarriedLogin("?")
	require.Error(t, err)
}

func TestEnvLogin(t *testing.T) {
	env := func(kv ...string) *Login {
		return EnvLogin(func(name string) string {
			for _, e := range kv {
				if v, ok := strings.CutPrefix(e, name+"="); ok {
					return v
				}
			}
			return ""
		})
	}
	assert.Equal(t, &Login{User: "u", Password: "p", CA: "ca"}, env("REPRODL_QUEUE_URL=nats://a,nats://u:p@b:4222", "NATS_CA=ca"))
	assert.Equal(t, &Login{Token: "secret"}, env("REPRODL_QUEUE_URL=tls://secret@b:4222"))
	assert.Equal(t, &Login{User: "me"}, env("REPRODL_QUEUE_URL=nats://u:p@b", "NATS_USER=me"))
	assert.Equal(t, &Login{}, env())
}
