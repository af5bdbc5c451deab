package s3

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/reprodl/reprodl/pipeline/remote"
)

// awsFiles are the files of AWS's tools that are read.
type awsFiles struct{ credentials, config string }

// sharedFiles finds them: of each, the one that the environment names, or the
// option, or the usual one.
func sharedFiles(c *remote.Config) (f awsFiles) {
	home, _ := os.UserHomeDir()
	for _, file := range []struct {
		path             *string
		variable, option string
		name             string
	}{
		{&f.credentials, "AWS_SHARED_CREDENTIALS_FILE", "credentialpath", "credentials"},
		{&f.config, "AWS_CONFIG_FILE", "configpath", "config"},
	} {
		if *file.path = os.Getenv(file.variable); *file.path != "" {
			continue
		}
		if *file.path = c.Path(file.option); *file.path == "" {
			*file.path = filepath.Join(home, ".aws", file.name)
		}
	}
	return f
}

func (f awsFiles) String() string { return f.credentials + " and " + f.config }

// addressingStyle is how the bucket goes into the URL, as a profile says:
//
//	[profile lab]
//	s3 =
//	  addressing_style = virtual
//
// The SDK for Go doesn't read that, DVC's does. A file that is not there says
// nothing.
func addressingStyle(file, profile string) (string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return "", nil
	}
	inProfile, inS3 := false, false
	style := ""
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		line := lines.Text()
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		indented := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")
		switch {
		case key == "" || key[0] == '#' || key[0] == ';':
		case key[0] == '[':
			name := strings.Join(strings.Fields(strings.Trim(key, "[]")), " ")
			inProfile, inS3 = name == "profile "+profile || name == "default" && profile == name, false
		case !indented:
			inS3 = inProfile && key == "s3"
		case inS3 && key == "addressing_style":
			style = value
		}
	}
	switch style {
	case "", "auto", "path", "virtual":
		return style, nil
	}
	return "", fmt.Errorf("%s: addressing_style = %s is none of auto, path and virtual", file, style)
}
