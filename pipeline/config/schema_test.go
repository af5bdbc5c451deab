package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/pipeline/config"
)

// TestRemoteOptions: an option that DVC does not know, or a value that it refuses, is
// refused for every kind of remote, and nothing is written.
func TestRemoteOptions(t *testing.T) {
	const bad = "" // the value is good
	for _, tt := range []struct{ url, option, value, want string }{
		{"s3://b/p", "region", "eu", bad}, {"s3://b/p", "nonsense", "x", "extra keys not allowed @ data['remote']['r']['nonsense']"},
		{"s3://b/p", "use_ssl", "maybe", "expected true or false"}, {"s3://b/p", "cache_regions", "true", "expected bool"},
		{"s3://b/p", "read_timeout", "ten", "expected int"}, {"s3://b/p", "read_timeout", "-1", bad}, {"s3://b/p", "ssl_verify", "/ca.pem", bad},
		{"s3://b/p", "type", "copy", "extra keys not allowed"}, {"s3://b/p", "jobs", "0", "value must be at least 1"},
		{"gs://b", "projectname", "x", bad}, {"gs://b", "region", "x", "extra keys"},
		{"ssh://h/p", "port", "22", bad}, {"ssh://h/p", "port", "x", "expected int"}, {"ssh://h/p", "type", "hardlink", bad}, {"ssh://h/p", "type", "magic", "Unsupported cache type"},
		{"hdfs://h", "replication", "3", "expected int"}, {"hdfs://h", "verify", "true", "extra keys"}, {"webhdfs://h", "use_https", "true", bad},
		{"azure://c", "account_name", "x", bad}, {"azure://c", "credentialpath", "x", "extra keys"},
		{"oss://b", "oss_endpoint", "x", bad}, {"gdrive://f", "gdrive_trash_only", "true", bad}, {"gdrive://f", "profile", "p", bad},
		{"http://h", "auth", "digest", bad}, {"https://h", "auth", "magic", "expected one of basic, digest, custom"},
		{"https://h", "connect_timeout", "0.5", bad}, {"https://h", "connect_timeout", "-1", "value must be at least 0"}, {"https://h", "token", "x", "extra keys"},
		{"webdav://h", "token", "x", bad}, {"webdavs://h", "timeout", "x", "expected int"}, {"webdavs://h", "method", "PUT", "extra keys"},
		{"remote://other/p", "anything", "x", bad}, {"/dir", "type", "symlink", bad}, {"/dir", "access_key_id", "x", "extra keys"}, {"file:///dir", "region", "x", "extra keys"},
	} {
		dir := filepath.Join(t.TempDir(), ".dvc")
		require.NoError(t, os.Mkdir(dir, 0o777))
		c, err := config.Load(dir, func(name string) string {
			if strings.HasPrefix(name, "DVC_") {
				return filepath.Join(dir, "none")
			}
			return ""
		})
		require.NoError(t, err)
		require.NoError(t, c.AddRemote(config.Project, "r", tt.url, dir, false, false), tt.url)
		before, err := os.ReadFile(filepath.Join(dir, "config"))
		require.NoError(t, err)
		err = c.ModifyRemote(config.Project, "r", tt.option, &tt.value, dir)
		if tt.want == bad {
			assert.NoError(t, err, "%s %s=%s", tt.url, tt.option, tt.value)
			continue
		}
		assert.ErrorContains(t, err, tt.want, "%s %s=%s", tt.url, tt.option, tt.value)
		assert.ErrorAs(t, err, new(*config.Error))
		after, err := os.ReadFile(filepath.Join(dir, "config"))
		require.NoError(t, err)
		assert.Equal(t, string(before), string(after), tt.url)
	}
}
