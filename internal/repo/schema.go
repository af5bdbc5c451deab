package repo

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// kind is what values a key takes.
type kind byte

const (
	anyText kind = iota
	boolean
	positive // an integer from 1
	linkTypes
	group
	parsingBool
	parsingList
)

// schema lists the sections and keys of DVC's configuration.
var schema = map[string]map[string]kind{
	"core": {
		"remote": anyText, "checksum_jobs": positive, "interactive": boolean, "analytics": boolean, "hardlink_lock": boolean,
		"no_scm": boolean, "autostage": boolean, "experiments": boolean, "check_update": boolean, "site_cache_dir": anyText, "machine": anyText,
	},
	"cache": {
		"local": anyText, "s3": anyText, "gs": anyText, "hdfs": anyText, "webhdfs": anyText, "ssh": anyText, "azure": anyText,
		"dir": anyText, "type": linkTypes, "protected": boolean, "shared": group, "slow_link_warning": boolean, "verify": boolean,
	},
	"state":   {"dir": anyText, "row_limit": positive, "row_cleanup_quota": anyText},
	"index":   {"dir": anyText},
	"machine": nil,
	"feature": nil,
	"plots":   {"html_template": anyText, "auto_open": boolean, "out_dir": anyText},
	"exp": {
		"code": anyText, "data": anyText, "models": anyText, "metrics": anyText, "params": anyText, "plots": anyText, "live": anyText,
		"auto_push": boolean, "git_remote": anyText,
	},
	"parsing": {"bool": parsingBool, "list": parsingList},
	"hydra":   {"enabled": boolean, "config_dir": anyText, "config_module": anyText, "config_name": anyText, "plugins_path": anyText},
	"studio":  {"token": anyText, "url": anyText, "repo_url": anyText, "offline": boolean},
	"db":      nil,
}

// localRemote are the keys of a remote that is a directory. Those of object
// stores are many and not ours to check: see checkRemote.
var localRemote = map[string]kind{
	"url": anyText, "checksum_jobs": positive, "jobs": positive, "worktree": boolean, "no_traverse": boolean, "version_aware": boolean,
	"type": linkTypes, "protected": boolean, "shared": group, "slow_link_warning": boolean, "verify": boolean,
}

// remoteSchemes are the URL schemes DVC knows.
var remoteSchemes = []string{"s3", "gs", "ssh", "hdfs", "webhdfs", "azure", "oss", "gdrive", "http", "https", "webdav", "webdavs", "remote"}

// check validates one value.
func (k kind) check(value string) error {
	lower := strings.ToLower(value)
	switch k {
	case boolean:
		if lower != "true" && lower != "false" {
			return fmt.Errorf("expected true or false")
		}
	case positive:
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil {
			return fmt.Errorf("expected int")
		}
		if n < 1 {
			return fmt.Errorf("value must be at least 1")
		}
	case linkTypes:
		var bad []string
		for t := range strings.SplitSeq(value, ",") {
			if t = strings.TrimSpace(t); !slices.Contains([]string{"reflink", "hardlink", "symlink", "copy"}, t) {
				bad = append(bad, t)
			}
		}
		if bad != nil {
			return messagef("Unsupported cache type(s): %s", strings.Join(bad, ", "))
		}
	case group:
		return oneOf(lower, "group")
	case parsingBool:
		return oneOf(lower, "store_true", "boolean_optional")
	case parsingList:
		return oneOf(lower, "nargs", "append")
	}
	return nil
}

func oneOf(value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("expected one of %s", strings.Join(allowed, ", "))
}

// validate checks a merged configuration.
func validate(sections map[string]map[string]string) error {
	for section, values := range sections {
		name, isRemote := remoteName(section)
		keys, known := schema[section]
		switch {
		case isRemote:
			if err := checkRemote(name, values); err != nil {
				return err
			}
			continue
		case isNamed(section):
			continue // machine and db: not used here
		case !known && section == "":
			for key := range values {
				return configErrorf("extra keys not allowed @ data['%s']", key)
			}
			continue
		case !known:
			return configErrorf("extra keys not allowed @ data['%s']", section)
		case keys == nil:
			continue
		}
		for key, value := range values {
			if err := checkKey(keys, key, value, "['"+section+"']"); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkKey(keys map[string]kind, key, value, where string) error {
	k, ok := keys[key]
	if !ok {
		return configErrorf("extra keys not allowed @ data%s['%s']", where, key)
	}
	if err := k.check(value); err != nil {
		return configErrorf("%w for dictionary value @ data%s['%s']", err, where, key)
	}
	return nil
}

func checkRemote(name string, values map[string]string) error {
	where := "['remote']['" + name + "']"
	url, ok := values["url"]
	if !ok {
		return configErrorf("expected 'url' for dictionary value @ data%s", where)
	}
	if scheme, rest, ok := strings.Cut(url, "://"); ok && rest != "" && rest[0] != '/' {
		if !slices.Contains(remoteSchemes, scheme) {
			return configErrorf("Unsupported URL type %s:// for dictionary value @ data%s", scheme, where)
		}
		return nil
	}
	for key, value := range values {
		if err := checkKey(localRemote, key, value, where); err != nil {
			return err
		}
	}
	return nil
}

// remoteName splits the name off `remote "name"`.
func remoteName(section string) (string, bool) {
	rest, ok := strings.CutPrefix(section, `remote "`)
	return strings.TrimSuffix(rest, `"`), ok
}

func remoteSection(name string) string { return `remote "` + strings.ToLower(name) + `"` }
