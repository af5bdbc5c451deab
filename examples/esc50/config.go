package main

import (
	"fmt"

	"github.com/reprodl/reprodl/esc50"
	"github.com/reprodl/reprodl/params"
)

const (
	paramsFile = "params.yaml"
	dataDir    = "data/ESC-50" // as dvc.yaml has it
)

// parameters is the typed form of params.yaml. The train section is the
// course's; what it leaves out keeps the values that esc50.Config documents.
type parameters struct {
	Train esc50.Config `yaml:"train"`
}

// loadParams reads params.yaml. An unknown key, a value of another type or out
// of its range is an error that names file and line.
func loadParams(name string) (*parameters, error) {
	var p parameters
	if err := params.Load(name, &p); err != nil {
		return nil, err
	}
	if p.Train.DataPath == "" {
		return nil, fmt.Errorf("%s: train.data_path is missing: the directory of the data set", name)
	}
	return &p, nil
}
