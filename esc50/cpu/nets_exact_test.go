package cpu_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"sort"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/reprodl/reprodl/esc50/cpu"
	"github.com/reprodl/reprodl/esc50/internal/kernel"
)

// trainedNets are the SHA-256 of everything after two steps of small networks of
// GoMLX's own layers, the same on every machine. They have products, and
// convolutions and normalisations with channels last, of sizes that no tile
// divides.
var trainedNets = []struct {
	net
	want string
}{
	{classifier("mlp", mlp, 9, 28, 28, 1), "46c6f7cd7398d18cee794ba19a79deae083d768dc8973cf772672286c14630be"},
	{classifier("cnn-bn", cifar(5, 18), 3, 14, 14, 3), "d59aab62ecdac4b0509ee9d9fd5e311e53c7df7b661da3bc3e1c6a685f851cd3"},
	{classifier("lstm", recurrent(70), 5, 3, 7), "4097912280754c55b1e5dfd1ccd06109b77cc12c2bcb0e414e8d014751fe4c6b"},
	{classifier("transformer", transformer(1, 3, 100), 2, 21, 48), "9b1d4b9e2d591b87de42f9cf76db62b831582b57d01f24af1baad385b7b5d0f6"},
	{classifier("cifar-example", cifarExample, 5, 8, 8, 3), "c63b559f582373f5a4de31918900da2430b4c7cb614eac602057b701ca1b3d2e"},
	{net{"adult-example", adultData, adultExample}, "9ba118ff651685b8aaa96a19a5cf771af4050d61e36c34d4fd9f5d8f0dc3de97"},
}

func (w *training) fingerprint(t *testing.T) string {
	h := sha256.New()
	for range 2 {
		loss := w.run(t)
		require.False(t, math.IsNaN(float64(loss)))
		require.NoError(t, binary.Write(h, binary.LittleEndian, math.Float32bits(loss)))
	}
	var paths []string
	for v := range w.store.IterVariables() {
		paths = append(paths, v.Path())
	}
	sort.Strings(paths)
	for _, path := range paths {
		fmt.Fprintln(h, path)
		require.NoError(t, w.store.GetVariable(path).MustValue().ConstBytes(func(data []byte) { h.Write(data) }))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// TestSameBitsOfNets trains every small network at every level of the machine
// and with several numbers of workers.
func TestSameBitsOfNets(t *testing.T) {
	old := kernel.Current()
	defer func() { _, _ = kernel.SetLevel(old) }()
	for _, config := range []string{"level=generic,workers=2", "level=avx2,workers=1", "level=avx2,workers=3", "level=avx2,workers=8",
		"level=avx512,workers=1", "level=avx512,workers=3", "level=neon,workers=1", "level=neon,workers=3"} {
		t.Run(config, func(t *testing.T) {
			b, err := cpu.New(config)
			if err != nil {
				t.Skip(err)
			}
			defer b.Finalize()
			for _, n := range trainedNets {
				assert.Equal(t, n.want, n.train(t, b).fingerprint(t), n.name)
			}
		})
	}
}
