package ssh

import (
	"errors"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// hostKeys returns what checks the server's key, and which kinds of key to ask
// the server for: those that are known, or else another kind would come and
// look like a stranger's.
func (h *host) hostKeys() (ssh.HostKeyCallback, []string, error) {
	// What the user has switched off for ssh is off here; "ask" cannot ask anybody and
	// refuses a stranger, as "yes" does.
	if h.strict == "no" || h.strict == "off" {
		return ssh.InsecureIgnoreHostKey(), nil, nil
	}
	// knownhosts.New fails for a file that isn't there; none at all knows nobody.
	var files []string
	for _, file := range h.known {
		if _, err := os.Stat(file); err == nil {
			files = append(files, file)
		}
	}
	known, err := knownhosts.New(files...)
	if err != nil {
		return nil, nil, err
	}
	check := func(_ string, addr net.Addr, key ssh.PublicKey) error {
		// The address that was reached may be a proxy's; the name is what counts.
		err := known(h.keyName(), unknownAddr{}, key)
		var e *knownhosts.KeyError
		if h.strict == "accept-new" && errors.As(err, &e) && len(e.Want) == 0 {
			return h.remember(key)
		}
		return err
	}
	return check, h.algorithms(known), nil
}

// keyName is the host in known_hosts.
func (h *host) keyName() string {
	if h.keyAlias != "" {
		return net.JoinHostPort(h.keyAlias, "22")
	}
	return h.address()
}

// unknownAddr keeps the address out of the comparison.
type unknownAddr struct{}

func (unknownAddr) Network() string { return "tcp" }
func (unknownAddr) String() string  { return "0.0.0.0:0" }

// algorithms are those of the known keys of the host; nil if there are none.
// With nil the server may choose: a stranger's key is refused or remembered anyway.
func (h *host) algorithms(known ssh.HostKeyCallback) []string {
	var e *knownhosts.KeyError
	// The package has no way to ask for the known keys; the error about a wrong one
	// lists them.
	if !errors.As(known(h.keyName(), unknownAddr{}, noKey{}), &e) {
		return nil
	}
	var list []string
	for _, k := range e.Want {
		// A key of this type signs with any of three digests, and servers of today refuse
		// the oldest.
		if kind := k.Key.Type(); kind == ssh.KeyAlgoRSA {
			list = append(list, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512, kind)
		} else {
			list = append(list, kind)
		}
	}
	return list
}

// noKey is nobody's key. Its type is none that a file can have, so that it never matches.
type noKey struct{}

func (noKey) Type() string                        { return "none" }
func (noKey) Marshal() []byte                     { return []byte("none") }
func (noKey) Verify([]byte, *ssh.Signature) error { return errors.New("no key") }

// remember adds the key of a new host to the first file of known hosts, as
// StrictHostKeyChecking accept-new asks for.
// A line is written in one call to a file opened to append, so that several
// processes do not mix theirs.
func (h *host) remember(key ssh.PublicKey) error {
	if err := os.MkdirAll(filepath.Dir(h.known[0]), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(h.known[0], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(knownhosts.Line([]string{knownhosts.Normalize(h.keyName())}, key) + "\n")
	return errors.Join(err, f.Close())
}
