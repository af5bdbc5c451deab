package esc50

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math"
	"reflect"
)

// fingerprint identifies the clips, how their features were made, and the
// features: another recording under the same name is another training.
func (f *Features) fingerprint() (string, error) {
	text, err := json.Marshal(featureHeader{f.Front, f.Bands, f.Frames, f.Clips})
	if err != nil {
		return "", err
	}
	sum := crc32.Checksum(text, castagnoli)
	values, raw := make([]float32, f.Size()), make([]byte, 0, 4*f.Size())
	for i := range f.Len() {
		if err := f.Read(values, i); err != nil {
			return "", err
		}
		raw = raw[:0]
		for _, v := range values {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
		sum = crc32.Update(sum, castagnoli, raw)
	}
	return fmt.Sprintf("%d clips, crc %08x", f.Len(), sum), nil
}

// matches reports why the training cannot continue from the checkpoint. Fields
// that don't change the computation may differ, and with a constant learning
// rate the number of epochs.
func (t *training) matches(saved *checkpoint) error {
	if saved.Progress == nil {
		return checkpointErrorf("a model, not a training")
	}
	if !reflect.DeepEqual(saved.Progress.Split, t.at.Split) {
		return checkpointErrorf("its split is %+v, not %+v", saved.Progress.Split, t.at.Split)
	}
	if saved.Progress.Data != t.at.Data {
		return checkpointErrorf("its features are of %s, not of %s", saved.Progress.Data, t.at.Data)
	}
	was, now := saved.Config, t.c
	was.DataPath, was.GPUs = now.DataPath, now.GPUs
	if now.Schedule == "constant" {
		was.MaxEpochs = now.MaxEpochs
	}
	a, b := reflect.ValueOf(was), reflect.ValueOf(now)
	for i := range a.NumField() {
		if x, y := a.Field(i).Interface(), b.Field(i).Interface(); x != y {
			return checkpointErrorf("its %s is %v, not %v", a.Type().Field(i).Tag.Get("yaml"), x, y)
		}
	}
	return nil
}
