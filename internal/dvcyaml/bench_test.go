package dvcyaml_test

import (
	"fmt"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/reprodl/reprodl/internal/dvcyaml"
)

// lockOf is a dvc.lock of a chain of n stages.
func lockOf(n int) *dvcyaml.Map {
	stages := dvcyaml.NewMap()
	for i := range n {
		stages.Set(fmt.Sprintf("stage%03d", i), dvcyaml.NewMap(
			"cmd", fmt.Sprintf("sh step.sh in%d > out%d", i, i),
			"deps", []any{dvcyaml.NewMap("path", fmt.Sprintf("out%d", i), "hash", "md5", "md5", "5d41402abc4b2a76b9719d911017c592", "size", int64(1000+i))},
			"params", dvcyaml.NewMap("params.yaml", dvcyaml.NewMap("lr", 0.1, "model.name", "net")),
			"outs", []any{dvcyaml.NewMap("path", fmt.Sprintf("out%d", i+1), "hash", "md5", "md5", "153e33483ce7508b27047fcdb15560ac.dir", "size", int64(19), "nfiles", int64(2))},
		))
	}
	return dvcyaml.NewMap("schema", "2.0", "stages", stages)
}

func BenchmarkDecode500Stages(b *testing.B) {
	data := dvcyaml.Marshal(lockOf(500))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := dvcyaml.Decode("dvc.lock", data); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarshal500Stages(b *testing.B) {
	v := lockOf(500)
	b.SetBytes(int64(len(dvcyaml.Marshal(v))))
	b.ReportAllocs()
	for b.Loop() {
		dvcyaml.Marshal(v)
	}
}

// BenchmarkPeerDecode500Stages is yaml.v3 on the same text, without the
// resolution of scalars that DVC's files need.
func BenchmarkPeerDecode500Stages(b *testing.B) {
	data := dvcyaml.Marshal(lockOf(500))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var n yaml.Node
		if err := yaml.Unmarshal(data, &n); err != nil {
			b.Fatal(err)
		}
	}
}
