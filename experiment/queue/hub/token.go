package hub

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Role is what a token permits.
type Role string

// The roles. A worker takes tasks and tells what came of them; it sees the
// tasks that it runs and no others. A client queues and sees everything.
const (
	Worker Role = "worker"
	Client Role = "client"
)

// Token is all that a machine needs to join: where the hub is, how to know it,
// and by what secret it is let in. Who has a client's token may run code on the
// workers.
type Token struct {
	Addresses []string  `json:"a"` // host:port, tried in order; or URLs of a NATS server of the site's, which has no pin, id and secret
	Pin       string    `json:"p"` // SHA-256 of the hub's certificate
	ID        string    `json:"i"` // names the token, for revocation
	Secret    string    `json:"s"`
	Role      Role      `json:"r"`
	Space     string    `json:"n"` // first part of all subjects
	Expires   time.Time `json:"e,omitzero"`
}

// tokenPrefix has the version of what follows.
const tokenPrefix = "RJ1."

// String is what `queue join` is given. It holds the secret.
func (t *Token) String() string {
	data, err := json.Marshal(t)
	if err != nil {
		panic(err) // no value of a Token does that
	}
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(data)
}

// ParseToken is the inverse of [Token.String].
func ParseToken(s string) (*Token, error) {
	s = strings.TrimSpace(s)
	data, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(s, tokenPrefix))
	t := new(Token)
	switch {
	case strings.HasPrefix(s, "RJ") && !strings.HasPrefix(s, tokenPrefix):
		return nil, errors.New("the token is of another version of this program; use the one that the hub has")
	case !strings.HasPrefix(s, tokenPrefix) || err != nil || json.Unmarshal(data, t) != nil || len(t.Addresses) == 0 || t.Space == "":
		return nil, errors.New("this is not a token, or only a part of one; copy all of what 'queue serve' printed")
	}
	return t, nil
}

// outside reports whether it leads to a NATS server that is not the hub's own.
func (t *Token) outside() bool { return strings.Contains(t.Addresses[0], "://") }

// check refuses a token that the hub would refuse.
func (t *Token) check(now time.Time) error {
	if !t.Expires.IsZero() && now.After(t.Expires) {
		return fmt.Errorf("%w: it expired on %s; make a new one with 'queue token'", ErrRefused, t.Expires.Local().Format(time.DateTime))
	}
	return nil
}

// ErrRefused says that the hub does not accept a token.
var ErrRefused = errors.New("the hub does not accept the token")

// ErrCertificate says that the hub at the address is not the token's.
var ErrCertificate = errors.New("the hub has another certificate than the token says")

// ErrVersion says that hub and program do not understand each other.
var ErrVersion = errors.New("the hub is of another version than this program")

// pinOf is the fingerprint of a certificate.
func pinOf(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}
