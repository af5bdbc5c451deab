package esc50_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing/fstest"

	"github.com/reprodl/reprodl/esc50"
)

// The whole way: clips, features, training, prediction. The sizes are tiny so
// that it takes no time; leave them out for the course's.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "esc50")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := esc50.Synthesize(ctx, dir, &esc50.SynthOptions{Classes: 2, ClipsPerFold: 2, Seconds: 0.5}); err != nil {
		log.Fatal(err)
	}
	data, err := esc50.OpenPath(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer data.Close()
	features, err := esc50.Extract(ctx, data, &esc50.ExtractOptions{
		Front: esc50.FrontConfig{Seconds: 0.5, Mel: esc50.MelConfig{Mels: 16}},
	})
	if err != nil {
		log.Fatal(err)
	}
	config := esc50.Config{BaseFilters: 2, Classes: 2, BatchSize: 4, MaxEpochs: 2, Seed: 42}
	result, err := esc50.Train(ctx, nil, features, config, &esc50.TrainOptions{
		OnEpoch: func(e esc50.Epoch) error {
			fmt.Printf("epoch %d, %d steps\n", e.Epoch, e.Step)
			return nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	wav, err := os.Open(filepath.Join(dir, "audio", data.Clips[0].File))
	if err != nil {
		log.Fatal(err)
	}
	defer wav.Close()
	top, err := result.Model.Predict(ctx, nil, wav, 5)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d clips tested, %d classes predicted\n", len(result.Test.Files), len(top))
	// Output:
	// epoch 1, 3 steps
	// epoch 2, 6 steps
	// 4 clips tested, 2 classes predicted
}

func ExampleOpen() {
	data, err := esc50.Open(fstest.MapFS{
		"meta/esc50.csv":         {Data: []byte("filename,fold,target,category,esc10,src_file,take\n1-100032-A-0.wav,1,0,dog,True,100032,A\n")},
		"audio/1-100032-A-0.wav": {},
	})
	fmt.Println(data.Clips, err)

	_, err = esc50.Open(fstest.MapFS{})
	fmt.Println(err)
	// Output:
	// [{1-100032-A-0.wav 1 0 dog true 100032 A}] <nil>
	// not a complete ESC-50 data set: no meta/esc50.csv; get ESC-50 with `git clone https://github.com/karolpiczak/ESC-50` (600 MB, CC BY-NC), or as a zip with esc50.Download, and give its directory or zip
}

func ExampleReadWAV() {
	samples, rate, err := esc50.ReadWAV(bytes.NewReader(riff(format(1, 1, 8000, 16), chunk{"data", []byte{0, 0x40, 0, 0xc0}})))
	fmt.Println(samples, rate, err)
	// Output: [0.5 -0.5] 8000 <nil>
}

func ExampleMel_LogMel() {
	resampler, err := esc50.NewResampler(44_100, 8000)
	if err != nil {
		log.Fatal(err)
	}
	mel, err := esc50.NewMel(esc50.MelConfig{})
	if err != nil {
		log.Fatal(err)
	}
	clip := make([]float32, 5*44_100) // a tone of 440 Hz
	for i := range clip {
		clip[i] = float32(math.Sin(2 * math.Pi * 440 * float64(i) / 44_100))
	}
	samples := resampler.Resample(nil, clip)
	db := mel.LogMel(nil, samples)
	frames, loudest := mel.Frames(len(samples)), 0
	for band := range mel.Bands() {
		if db[band*frames+100] > db[loudest*frames+100] {
			loudest = band
		}
	}
	fmt.Printf("%d samples, %d bands by %d frames, loudest band %d\n", len(samples), mel.Bands(), frames, loudest)
	// Output: 40000 samples, 128 bands by 201 frames, loudest band 32
}

func ExampleDownload() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "zip") }))
	defer server.Close()
	dir, err := os.MkdirTemp("", "esc50")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	name := filepath.Join(dir, "esc50.zip")
	err = esc50.Download(context.Background(), name, &esc50.DownloadOptions{
		URL:      server.URL, // leave it out to get ESC-50
		Progress: func(done, total int64) { fmt.Printf("%d of %d bytes\n", done, total) },
	})
	fmt.Println(err)
	// Output:
	// 3 of 3 bytes
	// <nil>
}

func ExampleKFold() {
	for _, split := range esc50.KFold([]int{1, 2, 3}) {
		fmt.Println("train", split.Train, "test", split.Test)
	}
	// Output:
	// train [2 3] test [1]
	// train [1 3] test [2]
	// train [1 2] test [3]
}

func ExampleEvaluation() {
	e := &esc50.Evaluation{
		Classes:   []string{"dog", "rain"},
		Files:     []string{"a.wav", "b.wav", "c.wav"},
		Targets:   []int{0, 1, 1},
		Predicted: []int{0, 1, 0},
	}
	fmt.Println(e.Confusion())
	if err := e.WriteReport(os.Stdout); err != nil {
		log.Fatal(err)
	}
	// Output:
	// [[1 0] [1 1]]
	// class,precision,recall,f1,support
	// dog,0.5000,1.0000,0.6667,1
	// rain,1.0000,0.5000,0.6667,2
}

func ExampleConfig_Validate() {
	fmt.Println(esc50.Config{}.Validate())
	fmt.Println(esc50.Config{Schedule: "steps"}.Validate())
	// Output:
	// <nil>
	// lr_schedule is "steps", want constant or cosine
}
