package config_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/reprodl/reprodl/pipeline/config"
)

// A program that gives a repository its remote, as dvc remote add -d does.
func Example() {
	dir, err := os.MkdirTemp("", "repo")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Mkdir(filepath.Join(dir, ".dvc"), 0o777); err != nil {
		panic(err)
	}

	none := func(string) string { return dir } // in place of os.Getenv
	c, err := config.Open(dir, none)
	if err != nil {
		panic(err)
	}
	if err := c.AddRemote(config.Project, "storage", "s3://bucket/data", dir, false, true); err != nil {
		panic(err)
	}
	text, _ := os.ReadFile(c.File(config.Project))
	fmt.Print(string(text))

	value := "yes please"
	fmt.Println(c.ModifyRemote(config.Project, "storage", "use_ssl", &value, dir))
	// Output:
	// [core]
	//     remote = storage
	// ['remote "storage"']
	//     url = s3://bucket/data
	// config file error: expected true or false for dictionary value @ data['remote']['storage']['use_ssl']
}
