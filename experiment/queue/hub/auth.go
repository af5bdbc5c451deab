package hub

import (
	"crypto/subtle"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// innerUser is the hub itself.
const innerUser = "hub"

// inboxOf is where a token's connections get their answers: nobody else may
// listen there.
func inboxOf(id string) string { return "_INBOX_" + id }

// Check admits a connection by its token and says what it may do.
func (h *Hub) Check(c server.ClientAuthentication) bool {
	o := c.GetOpts()
	if o.Username == innerUser && subtle.ConstantTimeCompare([]byte(o.Password), []byte(h.inner)) == 1 {
		c.RegisterUser(&server.User{Username: innerUser})
		return true
	}
	list, err := h.keys().read()
	if err != nil {
		h.log.Error(err.Error())
		return false
	}
	key, ok := admit(list, o.Username, o.Password, time.Now())
	if !ok {
		return false
	}
	// Connections are ended when their key is no longer good.
	h.mu.Lock()
	h.open[c.GetID()] = key
	h.mu.Unlock()
	c.RegisterUser(&server.User{Username: key.ID, Permissions: permissions(h.space, key)})
	return true
}

// permissions are the subjects of a role. Answers come to an inbox that is the
// token's own.
func permissions(space string, k Key) *server.Permissions {
	p := &server.Permissions{Publish: &server.SubjectPermission{Allow: []string{space + ".w.>"}}, Subscribe: &server.SubjectPermission{Allow: []string{inboxOf(k.ID) + ".>"}}}
	if k.Role == Client {
		p.Publish.Allow = append(p.Publish.Allow, space+".c.>")
		p.Subscribe.Allow = append(p.Subscribe.Allow, space+"."+events, space+".l.>")
	}
	return p
}

// expelPoll is how soon a revoked token stops to work.
const expelPoll = time.Second

// expel ends connections whose key was revoked or has expired.
func (h *Hub) expel() {
	tick := time.NewTicker(expelPoll)
	defer tick.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-tick.C:
		}
		list, err := h.keys().read()
		if err != nil {
			continue // told when somebody connects
		}
		now := time.Now()
		good := map[string]bool{}
		for _, k := range list {
			good[k.ID] = k.valid(now)
		}
		h.mu.Lock()
		for id, k := range h.open {
			if h.server.GetClient(id) == nil {
				delete(h.open, id)
			} else if !good[k.ID] {
				delete(h.open, id)
				go h.server.DisconnectClientByID(id)
			}
		}
		h.mu.Unlock()
	}
}
