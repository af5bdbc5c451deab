package config

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
	"feature": nil, // others than features are passed over: see Features
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

// unused are the options that DVC uses and this program doesn't, with the reason.
// Others that have no effect here have none in DVC 3 either (state, index, exp.code, …),
// or say what this program never does: ask for updates, or send analytics.
var unused = map[string]string{
	"core.hardlink_lock":  "locks of this kind are not taken; don't run DVC at the same time",
	"core.machine":        "DVC's machines are not supported",
	"feature.machine":     "DVC's machines are not supported",
	"plots.html_template": "a page of plots has a layout of its own",
	"hydra.enabled":       "Hydra needs Python; values are set with -S in parameter files",
	"hydra.config_dir":    "Hydra needs Python",
	"hydra.config_module": "Hydra needs Python",
	"hydra.config_name":   "Hydra needs Python",
	"hydra.plugins_path":  "Hydra needs Python",
	"studio.token":        "DVC Studio is not supported",
	"studio.url":          "DVC Studio is not supported",
	"studio.repo_url":     "DVC Studio is not supported",
}

// Unused says why an option of DVC's with a value has no effect here; empty if it has, or
// if the value is what happens anyway.
func Unused(section, key, value string) string {
	why := unused[section+"."+key]
	if schema[section][key] == boolean && !strings.EqualFold(value, "true") {
		return ""
	}
	return why
}

// features are the options of the section feature that are left in DVC 3.
var features = map[string]kind{"machine": boolean}

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
			if err := checkRemote("['remote']['"+name+"']", values); err != nil {
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
		case section == "feature":
			for key, k := range features {
				if value, ok := values[key]; ok {
					if err := checkKey(map[string]kind{key: k}, key, value, "['feature']"); err != nil {
						return err
					}
				}
			}
			continue
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
