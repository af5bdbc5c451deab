package web

import (
	"context"
	"net/url"

	"github.com/reprodl/reprodl/pipeline/remote"
)

// Login is the user and the password for a remote at an address: of its options, or else
// of the address, from which they are taken out.
func Login(ctx context.Context, c *remote.Config, base *url.URL) (user, password string, err error) {
	user = c.Get("user")
	if password, err = c.Secret(ctx, "password", "ask_password", "Password for "+base.Host); err != nil {
		return "", "", err
	}
	if u := base.User; u != nil && user == "" {
		user = u.Username()
		password, _ = u.Password()
	}
	base.User = nil
	return user, password, nil
}
