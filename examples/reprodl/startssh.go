package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/reprodl/reprodl/experiment/queue/hub"
)

// sshJob is what runs on a machine: it takes this program from standard input,
// if it has not the same already, and joins with the token and the login that come
// first, a line each: neither is an argument, or in a file that stays. The worker goes on
// after the connection ends.
const sshJob = `set -e
umask 077
dir=${XDG_CACHE_HOME:-$HOME/.cache}/reprodl/bin
mkdir -p "$dir"
bin=$dir/reprodl-%[1]s
IFS= read -r token
IFS= read -r login
if [ ! -x "$bin" ]; then
	cat > "$bin.$$"
	chmod 700 "$bin.$$"
	mv "$bin.$$" "$bin"
else
	cat > /dev/null
fi
log=$dir/../worker-$(date +%%Y%%m%%d-%%H%%M%%S)-$$.log
printf '%%s\n' "$token" "$login" > "$bin.token.$$"
nohup sh -c '"$0" queue join - --login -j %[2]d < "$1"' "$bin" "$bin.token.$$" > "$log" 2>&1 &
for i in 1 2 3 4 5 6 7 8 9 10; do
	if grep -q '^working for' "$log"; then rm -f "$bin.token.$$"; echo "$log"; exit 0; fi
	if ! kill -0 $! 2>/dev/null; then break; fi
	sleep 1
done
rm -f "$bin.token.$$"
cat "$log" >&2
exit 1
`

// startSSH starts a worker on each host: the program is copied, and joins.
func (a *app) startSSH(ctx context.Context, hosts []string, jobs int) error {
	repo, err := a.openExp()
	if err != nil {
		return err
	}
	defer repo.Close()
	running, err := hub.Running(repo)
	if err != nil {
		return err
	}
	if running == nil {
		return errNoSSH
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	program, err := os.ReadFile(self)
	if err != nil {
		return err
	}
	token, err := hub.NewToken(repo, hub.Worker, 30*24*time.Hour)
	if err != nil {
		return err
	}
	login := ""
	if token.Secret == "" { // the site's servers let workers in as they do this machine
		if login, err = hub.EnvLogin(a.getenv).Carry(); err != nil {
			return err
		}
	}
	var errs []error
	for _, host := range hosts {
		host = strings.TrimSpace(host)
		if host == "" || strings.HasPrefix(host, "-") {
			return fmt.Errorf("%q is not a host", host)
		}
		cmd := exec.CommandContext(ctx, "ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "--", host, fmt.Sprintf(sshJob, digest(program), jobs))
		cmd.Env = a.Env
		cmd.Stdin = bytes.NewReader(append([]byte(token.String()+"\n"+login+"\n"), program...))
		var out, msg bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &msg
		if err := cmd.Run(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w: %s", host, err, strings.TrimSpace(msg.String())))
			continue
		}
		a.printf("Started a worker on %s; its log there is %s\n", host, strings.TrimSpace(out.String()))
	}
	return errors.Join(errs...)
}

// digest names a program by its content.
func digest(program []byte) string {
	sum := sha256.Sum256(program)
	return hex.EncodeToString(sum[:8])
}
