package live

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// nvidia asks nvidia-smi, which comes with NVIDIA's driver, for the use of the
// graphics cards: the numbers of NVML, without its library. Starting the
// program takes a tenth of a second and more, so it is asked once a row, while
// the samples of the row are taken.
type nvidia struct{ program string }

// newNvidia returns nil where there is no card: without the program, or if that
// finds no driver or no card.
func newNvidia(ctx context.Context) *nvidia {
	program, err := exec.LookPath("nvidia-smi")
	if err != nil {
		return nil
	}
	n := &nvidia{program}
	if s, err := n.sample(ctx); err != nil || s[gpuCount] == 0 {
		return nil
	}
	return n
}

const gpuCount = "system/gpu/count"

// nvidiaTimeout is for a driver that hangs.
const nvidiaTimeout = 10 * time.Second

func (n *nvidia) sample(ctx context.Context) (sample, error) {
	ctx, cancel := context.WithTimeout(ctx, nvidiaTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, n.program,
		"--query-gpu=index,utilization.gpu,memory.used,memory.total", "--format=csv,noheader,nounits")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.program, err)
	}
	return parseNvidia(out)
}

// parseNvidia reads lines such as "0, 87, 1024, 40960": the card's number, the
// percentage of time in which it computed, and MiB of its memory. What a card
// does not tell is "[N/A]" and left out.
func parseNvidia(out []byte) (sample, error) {
	s := sample{gpuCount: 0}
	for line := range bytes.Lines(out) {
		fields := strings.Split(strings.TrimSpace(string(line)), ",")
		if len(fields) == 1 && fields[0] == "" {
			continue
		}
		if len(fields) != 4 {
			return nil, fmt.Errorf("nvidia-smi: %q: want four numbers", line)
		}
		s[gpuCount]++
		s.addGPU(strings.TrimSpace(fields[0]), gpuNumber(fields[1]), gpuNumber(fields[2]), gpuNumber(fields[3]))
	}
	return s, nil
}

// gpuNumber is nil for what the card does not tell.
func gpuNumber(text string) *float64 {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		return nil
	}
	return &v
}

// addGPU names the numbers of a card as DVCLive does.
func (s sample) addGPU(index string, busy, used, total *float64) {
	const mebibytes = 1024 // in a GB of 2^30 bytes
	if busy != nil {
		s["system/gpu/usage (%)/"+index] = *busy
	}
	if used != nil {
		s["system/vram/usage (GB)/"+index] = *used / mebibytes
	}
	if total != nil {
		s["system/vram/total (GB)/"+index] = *total / mebibytes
	}
	if used != nil && total != nil && *total > 0 {
		s["system/vram/usage (%)/"+index] = 100 * *used / *total
	}
}
