package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/reprodl/reprodl/pipeline/remote"
)

// authentication is how to log in, and what to say if it fails.
type authentication struct {
	methods []ssh.AuthMethod
	tried   []string
	close   func()
}

// authentication collects keys and passwords. A key that the configuration
// names comes first, then those of the agent, then the usual files: servers
// hang up after a few refusals.
func (h *host) authentication(ctx context.Context, c *remote.Config) (*authentication, error) {
	a := &authentication{close: func() {}}
	passphrase, err := c.Secret(ctx, "passphrase", "ask_passphrase", "Passphrase for "+h.String())
	if err != nil {
		return nil, err
	}
	// Both are asked for before the connection: nobody is kept waiting at the other end.
	password, err := c.Secret(ctx, "password", "ask_password", "Password for "+h.String())
	if err != nil {
		return nil, err
	}
	files, err := h.keyFiles(a, passphrase, c.Get("keyfile") != "")
	if err != nil {
		return nil, err
	}
	// h.agentKeys may set a.close, which must be called from here on.
	signers := h.agentKeys(a)
	if c.Get("keyfile") != "" || h.identitiesOnly {
		signers = append(files, signers...)
	} else {
		signers = append(signers, files...)
	}
	// One method with all keys: x/crypto/ssh tries each method once.
	if len(signers) > 0 {
		a.methods = append(a.methods, ssh.PublicKeys(signers...))
	}
	if password != "" {
		a.tried = append(a.tried, "the password")
		a.methods = append(a.methods, ssh.Password(password),
			// Many servers ask for the password only in this way. Whatever is asked, the
			// answer is the password: there is nobody to read the questions.
			ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
				answers := make([]string, len(questions))
				for i := range answers {
					answers[i] = password
				}
				return answers, nil
			}))
	}
	// It is told before the server is asked, which would only refuse.
	if len(a.methods) == 0 {
		a.close()
		return nil, &loginError{errNoAuth, a.tried}
	}
	return a, nil
}

// keyFiles reads the private keys. Only a key that the options name must be
// readable.
func (h *host) keyFiles(a *authentication, passphrase string, named bool) ([]ssh.Signer, error) {
	var list []ssh.Signer
	for _, file := range h.keys {
		data, err := os.ReadFile(file)
		if err != nil {
			if named {
				return nil, err
			}
			if !errors.Is(err, fs.ErrNotExist) {
				a.tried = append(a.tried, fmt.Sprintf("%s (%v)", file, errors.Unwrap(err)))
			}
			continue
		}
		// A key that cannot be used is noted in tried and no error: another may do.
		signer, err := ssh.ParsePrivateKey(data)
		if errors.As(err, new(*ssh.PassphraseMissingError)) {
			if passphrase == "" {
				a.tried = append(a.tried, file+" (it needs a passphrase: ssh-add it, or set ask_passphrase)")
				continue
			}
			signer, err = ssh.ParsePrivateKeyWithPassphrase(data, []byte(passphrase))
		}
		if err != nil {
			a.tried = append(a.tried, fmt.Sprintf("%s (%v)", file, err))
			continue
		}
		a.tried = append(a.tried, file)
		list = append(list, signer)
	}
	return list, nil
}

// agentKeys are the keys of the agent, which stays connected until a.close.
func (h *host) agentKeys(a *authentication) []ssh.Signer {
	conn, err := h.dialAgent()
	if conn == nil || err != nil {
		if err != nil {
			a.tried = append(a.tried, fmt.Sprintf("ssh-agent (%v)", err))
		}
		return nil
	}
	// Signing is done by the agent, so the connection must outlive the login.
	a.close = func() { conn.Close() }
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		a.tried = append(a.tried, fmt.Sprintf("ssh-agent (%v)", err))
		return nil
	}
	if h.identitiesOnly { // then the agent only stands in for the files named
		signers = slices.DeleteFunc(signers, func(s ssh.Signer) bool { return !h.named(s.PublicKey()) })
	}
	a.tried = append(a.tried, fmt.Sprintf("ssh-agent (%d keys)", len(signers)))
	return signers
}

// named reports whether a key is the public half of one of the files.
func (h *host) named(key ssh.PublicKey) bool {
	for _, file := range h.keys {
		data, err := os.ReadFile(file + ".pub")
		if err != nil {
			continue
		}
		if pub, _, _, _, err := ssh.ParseAuthorizedKey(data); err == nil && bytes.Equal(pub.Marshal(), key.Marshal()) {
			return true
		}
	}
	return false
}
