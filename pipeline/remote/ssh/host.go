package ssh

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/kevinburke/ssh_config"

	"github.com/reprodl/reprodl/pipeline/remote"
)

// host is how to reach and enter a machine.
type host struct {
	alias, name string // as in the URL; as it is reached
	user, port  string
	timeout     time.Duration
	maxSessions int

	keys           []string // files of private keys, in order
	identitiesOnly bool     // no other keys of the agent
	agent          string   // socket; empty = none
	known          []string // files of host keys
	strict         string   // StrictHostKeyChecking
	keyAlias       string   // name of the host in known
	proxyCommand   string
}

// newHost puts together what DVC's options, the URL and ssh_config say.
// It reads files and the environment, and connects to nothing.
func newHost(c *remote.Config) (*host, error) {
	// A password in the URL is left out: DVC has an option for it.
	authority, _ := c.Split()
	h := &host{name: authority}
	if at := strings.LastIndexByte(h.name, '@'); at >= 0 {
		h.user, _, _ = strings.Cut(h.name[:at], ":")
		h.name = h.name[at+1:]
	}
	if name, port, err := net.SplitHostPort(h.name); err == nil {
		h.name, h.port = name, port
	}
	if h.alias = strings.Trim(h.name, "[]"); h.alias == "" {
		return nil, fmt.Errorf("remote '%s': %s names no host", c.Name, c.URL)
	}
	// Options come before the URL, and both before ssh_config.
	if text := c.Get("port"); text != "" {
		h.port = text
	}
	if text := c.Get("user"); text != "" {
		h.user = text
	}
	if c.Bool("gss_auth", false) {
		return nil, fmt.Errorf("remote '%s': gss_auth (Kerberos) is not supported; use keys, an agent or a password", c.Name)
	}
	var err error
	if h.timeout, err = c.Seconds("timeout", 20*time.Second); err != nil {
		return nil, err
	}
	if h.maxSessions, err = c.Int("max_sessions", maxSessions); err != nil {
		return nil, err
	}
	return h, h.configure(readSSHConfig(c), c)
}

// configure fills in from ssh_config what the options left open.
// The alias is what sections of ssh_config are looked up by; only HostName says
// where it is.
func (h *host) configure(conf sshConfig, c *remote.Config) error {
	get := func(key, otherwise string) string {
		if value := conf.get(h.alias, key); value != "" {
			return value
		}
		return otherwise
	}
	if h.user == "" {
		if h.user = get("User", ""); h.user == "" {
			h.user = currentUser()
		}
	}
	if h.port == "" {
		h.port = get("Port", "22")
	}
	h.name = strings.ReplaceAll(get("HostName", h.alias), "%h", h.alias)
	h.keyAlias = get("HostKeyAlias", "")
	h.strict = strings.ToLower(get("StrictHostKeyChecking", "ask"))
	for _, key := range []string{"UserKnownHostsFile", "GlobalKnownHostsFile"} {
		standard := map[string]string{
			"UserKnownHostsFile": "~/.ssh/known_hosts ~/.ssh/known_hosts2", "GlobalKnownHostsFile": "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2",
		}[key]
		for _, file := range strings.Fields(get(key, standard)) {
			h.known = append(h.known, h.expand(file))
		}
	}
	h.identitiesOnly = strings.EqualFold(get("IdentitiesOnly", "no"), "yes")
	// "none" and the variable's name are OpenSSH's two special words.
	switch h.agent = get("IdentityAgent", os.Getenv("SSH_AUTH_SOCK")); h.agent {
	case "none":
		h.agent = ""
	case "SSH_AUTH_SOCK":
		h.agent = os.Getenv("SSH_AUTH_SOCK")
	default:
		h.agent = h.expand(h.agent)
	}
	if !c.Bool("allow_agent", true) {
		h.agent = ""
	}
	if file := c.Path("keyfile"); file != "" {
		h.keys = []string{file}
	} else if h.keys = conf.all(h.alias, "IdentityFile"); len(h.keys) == 0 {
		// IdentityFile adds up over all sections that match, unlike other settings, of
		// which the first counts. The usual files stand in only if there is none.
		h.keys = []string{"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"}
	}
	for i, file := range h.keys {
		h.keys[i] = h.expand(file)
	}
	h.proxyCommand = h.proxy(get("ProxyCommand", ""), get("ProxyJump", ""))
	return nil
}

// proxy is the command that reaches the host. A jump is made as OpenSSH's own
// client makes it, by calling itself with -W.
func (h *host) proxy(command, jump string) string {
	switch {
	case command != "" && command != "none":
		return h.tokens(command)
	case jump == "" || jump == "none":
		return ""
	}
	// The last hop is the one that reaches the host; ssh itself gets to it through
	// those before.
	hops := strings.Split(jump, ",")
	last := hops[len(hops)-1]
	text := "ssh -W " + h.tokens("[%h]:%p") + " "
	if len(hops) > 1 {
		text += "-J " + strings.Join(hops[:len(hops)-1], ",") + " "
	}
	if name, port, err := net.SplitHostPort(last); err == nil {
		return text + "-p " + port + " " + name
	}
	return text + last
}

// tokens replaces OpenSSH's %-tokens in a ProxyCommand, those of them that it
// allows there and that have a meaning here.
func (h *host) tokens(text string) string {
	return strings.NewReplacer("%h", h.name, "%p", h.port, "%r", h.user, "%n", h.alias, "%%", "%").Replace(text)
}

// expand replaces the tokens of file names, which are others, and a leading "~/".
func (h *host) expand(file string) string {
	home, _ := os.UserHomeDir()
	file = strings.NewReplacer("%d", home, "%u", currentUser(), "%r", h.user, "%h", h.name, "%%", "%").Replace(file)
	if rest, ok := strings.CutPrefix(file, "~/"); ok {
		return filepath.Join(home, filepath.FromSlash(rest))
	}
	return file
}

// currentUser is the user's name, without the domain that Windows puts before it.
func currentUser() string {
	u, err := user.Current()
	if err != nil {
		return os.Getenv("USER")
	}
	if _, name, ok := strings.Cut(u.Username, `\`); ok && runtime.GOOS == "windows" {
		return name
	}
	return u.Username
}

// sshConfig are the user's file and the system's; the first value counts.
type sshConfig []*ssh_config.Config

// readSSHConfig reads what is there. A file that cannot be understood is left out
// with a warning: the options may be enough.
func readSSHConfig(c *remote.Config) sshConfig {
	home, _ := os.UserHomeDir()
	var list sshConfig
	for _, file := range []string{filepath.Join(home, ".ssh", "config"), "/etc/ssh/ssh_config"} {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		conf, err := ssh_config.DecodeBytes(withoutMatch(data))
		if err != nil {
			c.Log().Warn(fmt.Sprintf("%s is not used: %v", file, err))
			continue
		}
		list = append(list, conf)
	}
	return list
}

var section = regexp.MustCompile(`(?i)^\s*(host|match)[\s=]`)

// withoutMatch drops the sections that depend on a condition; the parser would
// refuse the whole file for one.
func withoutMatch(data []byte) []byte {
	var out []byte
	drop := false
	for line := range strings.Lines(string(data)) {
		if m := section.FindStringSubmatch(line); m != nil {
			drop = strings.EqualFold(m[1], "match")
		}
		if !drop {
			out = append(out, line...)
		}
	}
	return out
}

// get is a setting of a host; "" if neither file has it.
func (s sshConfig) get(alias, key string) string {
	for _, conf := range s {
		if value, err := conf.Get(alias, key); err == nil && value != "" {
			return value
		}
	}
	return ""
}

// all are the values of a setting that may stand more than once.
func (s sshConfig) all(alias, key string) []string {
	var list []string
	for _, conf := range s {
		if values, err := conf.GetAll(alias, key); err == nil {
			list = append(list, values...)
		}
	}
	return list
}
