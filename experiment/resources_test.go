package experiment_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/experiment"
	"github.com/reprodl/reprodl/experiment/internal/exptest"
)

func TestStagesSayWhatTheyNeed(t *testing.T) {
	meta := func(s string) map[string]string {
		return map[string]string{"dvc.yaml": exptest.StageYAML + "    meta: " + s + "\n  other:\n    cmd: echo\n    meta: {resources: {cpus: 2, mem: 20G}, note: [1]}\n"}
	}
	p := exptest.New(t, meta("{resources: {cpus: 4, gpus: 1, gpu_type: a100, mem: 512M, time: 90}}"))
	plans, err := p.Open().Plan(t.Context(), &experiment.RunOptions{Resources: experiment.Resources{GPUs: 2}}, nil)
	require.NoError(t, err)
	want := experiment.Resources{CPUs: 4, GPUs: 2, GPUType: "a100", Mem: 20 << 30, Time: 90 * time.Minute}
	assert.Equal(t, want, plans[0].Options.Resources)
	assert.Equal(t, "cpus: 4, gpus: 2, gpu_type: a100, mem: 20G, time: 1h30m0s", want.String())
	again, err := p.Open().Plans(t.Context())
	require.NoError(t, err)
	assert.Equal(t, want, again[0].Options.Resources, "the mark has it")

	for _, c := range []struct{ meta, why string }{
		{"{resources: 4}", "not a mapping"}, {"{resources: {cpu: 4}}", `no resource "cpu"`}, {"{resources: {cpus: -1}}", "not a count"},
		{"{resources: {mem: lots}}", "not a size"}, {"{resources: {time: -1h}}", "negative"}, {"{resources: {gpus: [1]}}", "not a count"},
	} {
		p := exptest.New(t, meta(c.meta))
		_, err := p.Open().Plan(t.Context(), nil, nil)
		assert.ErrorContains(t, err, c.why, c.meta)
		assert.ErrorContains(t, err, "dvc.yaml: stage 'train'", c.meta)
		assert.Empty(t, p.Git("for-each-ref", "refs/reprodl"))
	}
}

func TestResourcesFit(t *testing.T) {
	offer := experiment.Resources{CPUs: 8, GPUs: 2, GPUType: "NVIDIA A100-SXM4", Mem: 64 << 30}
	for _, c := range []struct {
		need  experiment.Resources
		lacks string
	}{
		{experiment.Resources{}, ""},
		{experiment.Resources{CPUs: 8, GPUs: 2, GPUType: "a100", Mem: 64 << 30, Time: time.Hour}, ""},
		{experiment.Resources{CPUs: 9}, "9 cpus"},
		{experiment.Resources{GPUs: 4}, "4 gpus"},
		{experiment.Resources{GPUs: 1, GPUType: "h100"}, "a gpu of type h100"},
		{experiment.Resources{Mem: 65 << 30}, "mem 65G"},
	} {
		assert.Equal(t, c.lacks, c.need.Lacks(offer))
		assert.Equal(t, c.lacks == "", c.need.Fits(offer))
		assert.True(t, c.need.Fits(experiment.Resources{}), "who does not tell takes all")
	}
	assert.Equal(t, experiment.Resources{CPUs: 2, GPUs: 0, GPUType: "NVIDIA A100-SXM4", Mem: 16 << 30}, offer.Share(4))
}
