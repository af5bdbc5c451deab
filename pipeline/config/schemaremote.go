package config

import (
	"maps"
	"slices"
	"strings"
	"sync"
)

// commonRemote are the keys of every remote, those of a directory included.
var commonRemote = map[string]kind{
	"url": anyText, "checksum_jobs": positive, "jobs": positive, "worktree": boolean, "no_traverse": boolean, "version_aware": boolean,
}

// remoteKeys are the keys of the kinds of remote by the scheme of the URL, "" for a
// directory: REMOTE_SCHEMAS of dvc/config_schema.py. The keys of a "remote://" are
// those of the remote that it names.
var remoteKeys = map[string]map[string]kind{
	"": {"type": linkTypes, "protected": boolean, "shared": group, "slow_link_warning": boolean, "verify": boolean},
	"s3": keys("region profile credentialpath configpath endpointurl access_key_id secret_access_key session_token ssl_verify sse sse_kms_key_id "+
		"sse_customer_algorithm sse_customer_key acl grant_read grant_read_acp grant_write_acp grant_full_control",
		"listobjects use_ssl allow_anonymous_login verify", "read_timeout connect_timeout", map[string]kind{"cache_regions": onlyBool}),
	"gs": keys("projectname credentialpath endpointurl", "verify allow_anonymous_login", "", nil),
	"ssh": keys("user password passphrase keyfile", "ask_password ask_passphrase gss_auth allow_agent verify", "port timeout max_sessions",
		map[string]kind{"type": linkTypes}),
	"hdfs":    keys("user kerb_ticket", "", "", map[string]kind{"replication": onlyInt}),
	"webhdfs": keys("kerberos_principal proxy_to ssl_verify token user password data_proxy_target", "kerberos use_https verify", "", nil),
	"azure": keys("connection_string sas_token account_name account_key tenant_id client_id client_secret",
		"allow_anonymous_login exclude_environment_credential exclude_visual_studio_code_credential exclude_shared_token_cache_credential "+
			"exclude_managed_identity_credential verify", "timeout read_timeout connection_timeout", nil),
	"oss": keys("oss_key_id oss_key_secret oss_endpoint", "verify", "", nil),
	"gdrive": keys("profile gdrive_client_id gdrive_client_secret gdrive_user_credentials_file gdrive_service_account_user_email "+
		"gdrive_service_account_json_file_path", "gdrive_use_service_account gdrive_trash_only gdrive_acknowledge_abuse verify", "", nil),
	"http": httpKeys, "https": httpKeys, "webdav": webdavKeys, "webdavs": webdavKeys, "remote": nil,
}

// more are the schemes of drivers that DVC does not have.
var more sync.Map

// AddScheme makes the scheme of a URL known, for a driver of a kind of remote that DVC
// does not have. Which options it has nobody here can tell: any are taken.
func AddScheme(scheme string) { more.Store(scheme, true) }

// KnownScheme reports the scheme of a URL that DVC knows, or that was added; "" is that
// of a path.
func KnownScheme(scheme string) bool {
	_, ok := remoteKeys[scheme]
	if !ok {
		_, ok = more.Load(scheme)
	}
	return ok
}

var httpKeys = keys("custom_auth_header user password ssl_verify method", "ask_password verify", "",
	map[string]kind{"auth": httpAuth, "connect_timeout": seconds, "read_timeout": seconds})

var webdavKeys = keys("user password token bearer_token_command custom_auth_header cert_path key_path ssl_verify", "ask_password verify", "timeout", nil)

// keys lists keys of any text, booleans and integers, and adds the rest.
func keys(text, booleans, integers string, rest map[string]kind) map[string]kind {
	out := maps.Clone(rest)
	if out == nil {
		out = map[string]kind{}
	}
	for names, k := range map[string]kind{text: anyText, booleans: boolean, integers: integer} {
		for name := range strings.FieldsSeq(names) {
			out[name] = k
		}
	}
	return out
}

// CheckURLOptions validates options that are given for a URL, not for a remote of the
// configuration.
func CheckURLOptions(url string, options map[string]string) error {
	values := maps.Clone(options)
	if values == nil {
		values = map[string]string{}
	}
	values["url"] = url
	return checkRemote("", values)
}

// checkRemote validates the merged options of one remote, or of a URL alone: it must
// have a url, whose scheme decides which other keys there are. where is its section as
// voluptuous prints paths.
func checkRemote(where string, values map[string]string) error {
	url, ok := values["url"]
	if !ok {
		return configErrorf("expected 'url' for dictionary value @ data%s", where)
	}
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok || rest == "" || rest[0] == '/' {
		scheme = "" // a directory, even file:///x: DVC goes by the host
	}
	known := remoteKeys[scheme]
	switch {
	case !KnownScheme(scheme):
		return configErrorf("Unsupported URL type %s:// for dictionary value @ data%s", scheme, where)
	case known == nil:
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		from := known
		if _, common := commonRemote[key]; common {
			from = commonRemote
		}
		if err := checkKey(from, key, values[key], where); err != nil {
			return err
		}
	}
	return nil
}
