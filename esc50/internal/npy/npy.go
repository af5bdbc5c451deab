// Package npy reads NumPy's .npy files, as far as the golden vectors need it:
// versions 1 to 3 of the header, little-endian float32, float64, int32 and
// int64, in C or Fortran order.
package npy

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// Array is one array: its shape (empty for a scalar) and its elements in C
// order, converted to float64, which holds float32 and the labels exactly.
type Array struct {
	Shape []int
	Data  []float64
}

// Float32 returns the elements as float32.
func (a *Array) Float32() []float32 {
	out := make([]float32, len(a.Data))
	for i, v := range a.Data {
		out[i] = float32(v)
	}
	return out
}

// ReadFile reads one .npy file.
func ReadFile(path string) (*Array, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	a, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

var (
	descrRE = regexp.MustCompile(`'descr':\s*'([^']*)'`)
	orderRE = regexp.MustCompile(`'fortran_order':\s*(True|False)`)
	shapeRE = regexp.MustCompile(`'shape':\s*\(([0-9, ]*)\)`)
)

var decoders = map[string]struct {
	size int
	at   func([]byte) float64
}{
	"<f4": {4, func(b []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))) }},
	"<f8": {8, func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }},
	"<i4": {4, func(b []byte) float64 { return float64(int32(binary.LittleEndian.Uint32(b))) }},
	"<i8": {8, func(b []byte) float64 { return float64(int64(binary.LittleEndian.Uint64(b))) }},
}

// Parse decodes the bytes of a .npy file.
func Parse(data []byte) (*Array, error) {
	if len(data) < 12 || !bytes.HasPrefix(data, []byte("\x93NUMPY")) {
		return nil, fmt.Errorf("not a .npy file")
	}
	start, n := 10, int(binary.LittleEndian.Uint16(data[8:]))
	if data[6] > 1 {
		start, n = 12, int(binary.LittleEndian.Uint32(data[8:]))
	}
	if n < 0 || n > len(data)-start {
		return nil, fmt.Errorf("header of %d bytes in a file of %d", n, len(data))
	}
	header, body := string(data[start:start+n]), data[start+n:]
	descr, order, dims := descrRE.FindStringSubmatch(header), orderRE.FindStringSubmatch(header), shapeRE.FindStringSubmatch(header)
	if descr == nil || order == nil || dims == nil {
		return nil, fmt.Errorf("cannot read the header %q", header)
	}
	dec, ok := decoders[descr[1]]
	if !ok {
		return nil, fmt.Errorf("descr %s isn't supported", descr[1])
	}
	a, count := &Array{}, 1
	for s := range strings.SplitSeq(dims[1], ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		d, err := strconv.Atoi(s)
		if err != nil || d > len(body) || d > 0 && count > len(body)/d {
			return nil, fmt.Errorf("shape (%s) doesn't fit %d bytes", dims[1], len(body))
		}
		a.Shape = append(a.Shape, d)
		count *= d
	}
	if count*dec.size != len(body) {
		return nil, fmt.Errorf("%d bytes of data, want %d for shape (%s)", len(body), count*dec.size, dims[1])
	}
	a.Data = make([]float64, count)
	for i := range a.Data {
		a.Data[i] = dec.at(body[i*dec.size:])
	}
	if order[1] == "True" {
		a.Data = rowMajor(a.Data, a.Shape)
	}
	return a, nil
}

// rowMajor reorders elements whose first index runs fastest.
func rowMajor(data []float64, shape []int) []float64 {
	out, index := make([]float64, 0, len(data)), make([]int, len(shape))
	for range data {
		at, stride := 0, 1
		for d, i := range index {
			at += i * stride
			stride *= shape[d]
		}
		out = append(out, data[at])
		for d := len(index) - 1; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
	}
	return out
}
