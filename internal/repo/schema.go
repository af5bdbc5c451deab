package repo

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// kind is what values a key takes.
// The zero value takes any text, as most keys do.
type kind byte

const (
	anyText kind = iota
	boolean
	positive // an integer from 1
	linkTypes
	group
	parsingBool
	parsingList
	httpAuth
	integer
	percent // an integer from 0 to 100
	seconds // a number from 0
	// DVC wants a boolean or an integer of Python here, which no file can hold: it
	// refuses every value.
	onlyBool
	onlyInt
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
	"state":   {"dir": anyText, "row_limit": positive, "row_cleanup_quota": percent},
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

// check validates one value.
func (k kind) check(value string) error {
	lower := strings.ToLower(value)
	switch k {
	case boolean:
		if lower != "true" && lower != "false" {
			return fmt.Errorf("expected true or false")
		}
	case positive, integer, percent:
		// Python's int trims blanks, too.
		n, err := strconv.Atoi(strings.TrimSpace(value))
		switch {
		case err != nil:
			return fmt.Errorf("expected int")
		case k == positive && n < 1:
			return fmt.Errorf("value must be at least 1")
		case k == percent && n < 0:
			return fmt.Errorf("value must be at least 0")
		case k == percent && n > 100:
			return fmt.Errorf("value must be at most 100")
		}
	case seconds:
		f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		switch {
		case err != nil:
			return fmt.Errorf("expected float")
		case f < 0:
			return fmt.Errorf("value must be at least 0")
		}
	case onlyBool:
		return fmt.Errorf("expected bool")
	case onlyInt:
		return fmt.Errorf("expected int")
	case httpAuth:
		return oneOf(lower, "basic", "digest", "custom")
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

// oneOf is the error of a value that is none of those allowed.
func oneOf(value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("expected one of %s", strings.Join(allowed, ", "))
}

// validate checks a merged configuration.
func validate(sections map[string]map[string]string) error {
	// The first error is told; sorted, so that it is the same one each time.
	for _, section := range slices.Sorted(maps.Keys(sections)) {
		values := sections[section]
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
			for _, key := range slices.Sorted(maps.Keys(values)) {
				return configErrorf("extra keys not allowed @ data['%s']", key)
			}
			continue
		case !known:
			return configErrorf("extra keys not allowed @ data['%s']", section)
		// Sections that are known and take anything.
		case keys == nil:
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(values)) {
			if err := checkKey(keys, key, values[key], "['"+section+"']"); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkKey validates a key and its value; where is the section as voluptuous
// prints paths.
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

// remoteName splits the name off `remote "name"`.
func remoteName(section string) (string, bool) {
	rest, ok := strings.CutPrefix(section, `remote "`)
	return strings.TrimSuffix(rest, `"`), ok
}

// remoteSection is the section of a remote; names are lower case, for DVC lowers
// the sections and keys that it reads.
func remoteSection(name string) string { return `remote "` + strings.ToLower(name) + `"` }
