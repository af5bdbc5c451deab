package params_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing/fstest"

	"github.com/reprodl/reprodl/params"
)

func Example() {
	dir, _ := os.MkdirTemp("", "params")
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "params.yaml")
	os.WriteFile(path, []byte("train:\n  lr: 1e-3   # learning rate\n  epochs: 10\n"), 0o666)

	var cfg struct {
		Train struct {
			LR     float64 `yaml:"lr"`
			Epochs int     `yaml:"epochs"`
			Seed   int     `yaml:"seed"`
		} `yaml:"train"`
	}
	cfg.Train.Seed = 42 // the default
	if err := params.Load(path, &cfg); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%+v\n", cfg.Train)

	if err := params.Set(path, "train.lr=0.01", "+train.seed=7"); err != nil {
		fmt.Println(err)
		return
	}
	text, _ := os.ReadFile(path)
	fmt.Print(string(text))
	// Output:
	// {LR:0.001 Epochs:10 Seed:42}
	// train:
	//   lr: 0.01   # learning rate
	//   epochs: 10
	//   seed: 7
}

func ExampleParse() {
	v, err := params.Parse("conf.toml", []byte("[model]\nname = \"net\"\nlayers = [64, 32]\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for key, value := range v.All() {
		fmt.Println(key, value)
	}
	second, _ := v.Lookup("model.layers.1")
	fmt.Println(second)
	// Output:
	// model.name net
	// model.layers [64 32]
	// 32
}

func ExampleValues_Decode() {
	v, _ := params.Parse("params.yaml", []byte("prepare: {split: 0.2}\ntrain:\n  lr: fast\n"))
	var train struct {
		LR float64 `yaml:"lr"`
	}
	err := v.Decode("train", &train)
	fmt.Println(err)
	var at *params.Error
	fmt.Println(errors.As(err, &at), at.Line, at.Key)
	// Output:
	// params.yaml:3:7: train.lr: expected a number, got the text 'fast'
	// true 3 train.lr
}

func ExampleValues_Select() {
	v, _ := params.Parse("params.yaml", []byte("lr: 0.1\nmodel: {name: net}\n"))
	found, missing := v.Select("model.name", "epochs")
	for key, value := range found.All() {
		fmt.Println(key, value)
	}
	fmt.Println(missing)
	// Output:
	// model.name net
	// [epochs]
}

func ExampleApply() {
	out, err := params.Apply("params.yaml", []byte("opt: {lr: 0.1, beta: 1e-3} # as published\n"), "opt.lr=0.2")
	fmt.Print(string(out), err)
	// Output:
	// opt: {lr: 0.2, beta: 1e-3} # as published
	// <nil>
}

func ExampleSweep() {
	runs, _ := params.Sweep("lr=0.1,0.01", "seed=range(0,2)", "name=net")
	for _, overrides := range runs {
		fmt.Println(overrides)
	}
	// Output:
	// [lr=0.1 seed=0 name=net]
	// [lr=0.1 seed=1 name=net]
	// [lr=0.01 seed=0 name=net]
	// [lr=0.01 seed=1 name=net]
}

func ExampleDiff() {
	old, _ := params.Parse("params.yaml", []byte("lr: 0.1\nlayers: [64, 32]\nseed: 1\n"))
	now, _ := params.Parse("params.yaml", []byte("lr: 0.25\nlayers: [64]\nseed: 1.0\n"))
	for _, c := range params.Diff(old, now, false) {
		delta, _ := c.Delta()
		fmt.Println(c.Key, c.Old, "->", c.New, delta)
	}
	// Output:
	// layers [64, 32] -> [64] <nil>
	// lr 0.1 -> 0.25 0.15
}

func ExampleText() {
	fmt.Println("name="+params.Text("it's"), "rate="+params.Text(0.1), "flag="+params.Text("true"))
	// Output: name='it\'s' rate=0.1 flag='true'
}

func ExampleSplitFile() {
	fmt.Println(params.SplitFile("cfg.json:a.b=1"))
	fmt.Println(params.SplitFile("lr=0.1"))
	// Output:
	// cfg.json a.b=1
	// params.yaml lr=0.1
}

func ExampleIsSweep() {
	fmt.Println(params.IsSweep("lr=0.1"), params.IsSweep("lr=0.1,0.2"))
	// Output: false true
}

func ExampleEqual() {
	fmt.Println(params.Equal(int64(1), 1.0), params.Equal("1", int64(1)))
	// Output: true false
}

func ExampleLoadFS() {
	// Embedded defaults: //go:embed params.yaml
	defaults := fstest.MapFS{"params.yaml": {Data: []byte("lr: 0.1\n")}}
	var cfg struct {
		LR float64 `yaml:"lr"`
	}
	if err := params.LoadFS(defaults, "params.yaml", &cfg); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cfg.LR)
	// Output:
	// 0.1
}
