package azure

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/pipeline/remote"
)

// login is what a remote's options, the environment and Azure's own configuration
// say about how to log in.
type login struct {
	connection, account, key, sas string
	container                     string
	tenant, client, secret        string
	from                          map[string]string // where an option's value comes from, in words
}

// settings looks where DVC does, through the library of Azure's command line: an
// option is followed by a variable of the environment and that by the section
// storage of the configuration.
func settings(c *remote.Config) login {
	l := login{tenant: c.Get("tenant_id"), client: c.Get("client_id"), secret: c.Get("client_secret"), from: map[string]string{}}
	file := configFile()
	stored := section(file, "storage")
	for _, f := range []struct {
		value       *string
		option, key string
	}{
		{&l.connection, "connection_string", "connection_string"}, {&l.account, "account_name", "account"},
		{&l.key, "account_key", "key"}, {&l.sas, "sas_token", "sas_token"}, {&l.container, "", "container_name"},
	} {
		variable := "AZURE_STORAGE_" + strings.ToUpper(f.key)
		switch {
		case c.Get(f.option) != "":
			*f.value, l.from[f.option] = c.Get(f.option), "the option "+f.option
		case os.Getenv(variable) != "":
			*f.value, l.from[f.option] = os.Getenv(variable), "the environment ("+variable+")"
		case stored[f.key] != "":
			*f.value, l.from[f.option] = stored[f.key], f.key+" in "+file
		}
	}
	return l
}

func configFile() string {
	dir := os.Getenv("AZURE_CONFIG_DIR")
	if dir == "" {
		home, _ := os.UserHomeDir()
		dir = filepath.Join(home, ".azure")
	}
	return filepath.Join(dir, "config")
}

// section reads one section of a file as Python's configparser does, for values of
// one line. A file that is not there has none.
func section(file, name string) map[string]string {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	values := map[string]string{}
	inside := false
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			inside = line == "["+name+"]"
		case inside:
			if i := strings.IndexAny(line, "=:"); i > 0 {
				values[strings.ToLower(strings.TrimSpace(line[:i]))] = strings.TrimSpace(line[i+1:])
			}
		}
	}
	return values
}
