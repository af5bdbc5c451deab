package ssh

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/netfault"
)

// explain is the error of a connection that did not come about.
// Errors of what a session does later are fail's.
func (p *pool) explain(op, key string, err error) error {
	e := p.cfg.Fail(op, key, err)
	var login *loginError
	var unknown *knownhosts.KeyError
	errors.As(err, &login)
	switch {
	// Want are the keys that are known of the host; none means that it is a stranger.
	case errors.As(err, &unknown) && len(unknown.Want) == 0:
		e.Kind, e.Err = remote.ErrDenied, fmt.Errorf("the host key of %s is not known", p.host.address())
		e.Fix = fmt.Sprintf("check it and add it with: %s (it is looked for in %s)", p.host.shell(), strings.Join(p.host.known, ", "))
	case errors.As(err, &unknown):
		at := unknown.Want[0]
		e.Kind = remote.ErrDenied
		e.Err = fmt.Errorf("the host key of %s is not the one in %s:%d: somebody may be listening in", p.host.address(), at.Filename, at.Line)
		e.Fix = fmt.Sprintf("if the server was set up anew: ssh-keygen -R '%s'", p.host.keyName())
	case errors.As(err, new(*knownhosts.RevokedError)):
		e.Kind = remote.ErrDenied
	case errors.Is(err, errNoAuth), login != nil && isAuth(err):
		e.Kind = remote.ErrDenied
		if login != nil {
			e.Tried = login.tried
		}
		if !errors.Is(err, errNoAuth) {
			e.Err = fmt.Errorf("%s lets none of these in", p.host)
		}
		e.Fix = fmt.Sprintf("ssh-add, dvc remote modify %s keyfile FILE, or dvc remote modify --local %[1]s password PASSWORD", p.cfg.Name)
	case errors.As(err, new(*sessionError)):
		netfault.Classify(e) // the connection may have broken just then
		e.Kind, e.Fix = remote.ErrUnreachable, "the server needs 'Subsystem sftp' in its sshd_config"
	default:
		// sshd drops connections by chance when many log in at once (MaxStartups); the
		// next try may get in.
		if netfault.Classify(e) && login != nil { // there is somebody, who hung up
			e.Kind, e.Temporary = remote.ErrUnreachable, true
		}
	}
	return e
}

// isAuth recognises a refusal, for which x/crypto/ssh has no type.
// The second text is sshd's, when it hangs up after MaxAuthTries.
func isAuth(err error) bool {
	text := err.Error()
	return strings.Contains(text, "unable to authenticate") || strings.Contains(text, "Too many authentication failures")
}

// shell is how to reach the host by hand.
func (h *host) shell() string {
	text := "ssh "
	if h.port != "22" {
		text += "-p " + h.port + " "
	}
	return text + h.user + "@" + h.alias
}
