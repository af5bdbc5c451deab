package hub

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/reprodl/reprodl/internal/atomicfile"
	"github.com/reprodl/reprodl/internal/repo"
)

// Key is what a hub knows of a token that it gave out: not its secret.
type Key struct {
	ID      string
	Role    Role
	Hash    string // of the secret
	Made    time.Time
	Expires time.Time `json:",omitzero"` // zero is never
	Revoked bool      `json:",omitempty"`
}

// keyring is the file with the keys of a hub, which other processes change too.
type keyring struct{ file string }

func (k keyring) read() ([]Key, error) {
	data, err := os.ReadFile(k.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var list []Key
	if err == nil {
		err = json.Unmarshal(data, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k.file, err)
	}
	return list, nil
}

// edit changes the file in one step.
func (k keyring) edit(fn func([]Key) ([]Key, error)) error {
	unlock, err := repo.LockFile(context.Background(), k.file+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	list, err := k.read()
	if err != nil {
		return err
	}
	if list, err = fn(list); err != nil {
		return err
	}
	data, err := json.MarshalIndent(list, "", " ")
	if err != nil {
		return err
	}
	return writeSecret(k.file, data)
}

// writeSecret replaces a file that only its owner may read.
func writeSecret(file string, data []byte) error {
	return atomicfile.WriteFile(file, data, &atomicfile.Options{Perm: 0o600, Sync: true})
}

// issue makes a key. The secret is in the token alone.
func (k keyring) issue(role Role, life time.Duration, now time.Time) (Key, string, error) {
	secret := rand.Text()
	key := Key{ID: strings.ToLower(rand.Text())[:8], Role: role, Hash: hashSecret(secret), Made: now.UTC().Truncate(time.Second)}
	if life > 0 {
		key.Expires = key.Made.Add(life)
	}
	return key, secret, k.edit(func(list []Key) ([]Key, error) {
		// What expired long ago need not be told any more.
		list = slices.DeleteFunc(list, func(o Key) bool { return !o.Expires.IsZero() && now.Sub(o.Expires) > 30*24*time.Hour })
		return append(list, key), nil
	})
}

// revoke makes keys useless; "all" means every key but own.
func (k keyring) revoke(own string, ids ...string) error {
	return k.edit(func(list []Key) ([]Key, error) {
		for _, id := range ids {
			found := false
			for i := range list {
				if list[i].ID == id || id == "all" && list[i].ID != own {
					list[i].Revoked, found = true, true
				}
			}
			if !found && id != "all" {
				return nil, fmt.Errorf("there is no token %q; 'queue token --list' shows them", id)
			}
		}
		return list, nil
	})
}

// admit returns the key that an id and secret open, if they do.
func admit(list []Key, id, secret string, now time.Time) (Key, bool) {
	for _, k := range list {
		if k.ID == id && k.valid(now) && subtle.ConstantTimeCompare([]byte(k.Hash), []byte(hashSecret(secret))) == 1 {
			return k, true
		}
	}
	return Key{}, false
}

func (k *Key) valid(now time.Time) bool {
	return !k.Revoked && (k.Expires.IsZero() || now.Before(k.Expires))
}

// hashSecret needs no salt: secrets have 128 random bits.
func hashSecret(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// certificate returns the hub's certificate, which is made once: tokens name it
// by its hash, so no authority is needed.
func certificate(dir string, now time.Time) (tls.Certificate, error) {
	file := filepath.Join(dir, "hub.pem")
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if data, err = newCertificate(now); err == nil {
			err = writeSecret(file, data)
		}
	}
	if err != nil {
		return tls.Certificate{}, err
	}
	c, err := tls.X509KeyPair(data, data)
	if err != nil {
		err = fmt.Errorf("%s: %w; delete it to have a new one made, which makes all tokens useless", file, err)
	}
	return c, err
}

func newCertificate(now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	// Dates do not matter: the hash is what counts, and clocks may be wrong.
	c := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "reprodl hub"}, DNSNames: []string{"reprodl"},
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(100, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...), nil
}
