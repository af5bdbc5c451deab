package esc50

import (
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"
	"sync"
)

// FrontConfig says how a clip becomes the network's input.
type FrontConfig struct {
	Mel MelConfig `yaml:",inline"`
	// Seconds is the length that clips are cut or padded with silence to; zero
	// means 5, the length of every clip of ESC-50.
	Seconds float64 `yaml:"seconds"`
}

func (c FrontConfig) withDefaults() FrontConfig {
	c.Mel = c.Mel.withDefaults()
	if c.Seconds == 0 {
		c.Seconds = 5
	}
	return c
}

// frontEnd turns WAV files into spectrograms, reusing its buffers; it is for
// one goroutine.
type frontEnd struct {
	c          FrontConfig
	samples    int // after resampling
	mel        *Mel
	resamplers *resamplers
	file       []byte
	wav, y     []float32
}

func newFrontEnd(c FrontConfig) (*frontEnd, error) {
	c = c.withDefaults()
	mel, err := NewMel(c.Mel)
	if err != nil {
		return nil, err
	}
	samples := math.Round(c.Seconds * float64(c.Mel.SampleRate))
	if !(samples > float64(c.Mel.FFT/2) && samples <= 1<<28) {
		return nil, fmt.Errorf("clips of %v s at %d Hz: want more than half a frame of %d samples and less than a day", c.Seconds, c.Mel.SampleRate, c.Mel.FFT)
	}
	return &frontEnd{c: c, samples: int(samples), mel: mel, resamplers: &resamplers{to: c.Mel.SampleRate}}, nil
}

// clone shares the tables.
func (f *frontEnd) clone() *frontEnd {
	return &frontEnd{c: f.c, samples: f.samples, mel: f.mel.Clone(), resamplers: f.resamplers}
}

func (f *frontEnd) frames() int { return f.mel.Frames(f.samples) }

// read computes the spectrogram of the WAV file fsys/name into dst.
func (f *frontEnd) read(dst []float32, fsys fs.FS, name string) ([]float32, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	dst, err = f.compute(dst, file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path.Base(name), err)
	}
	return dst, nil
}

func (f *frontEnd) compute(dst []float32, file io.Reader) ([]float32, error) {
	var err error
	if f.file, err = readAll(f.file[:0], file); err != nil {
		return nil, err
	}
	var rate int
	if f.wav, rate, err = decodeWAV(f.wav, f.file); err != nil {
		return nil, err
	}
	r, err := f.resamplers.from(rate)
	if err != nil {
		return nil, err
	}
	f.y = r.Resample(f.y, f.wav)
	n := min(len(f.y), f.samples)
	if cap(f.y) < f.samples {
		f.y = append(f.y[:n], make([]float32, f.samples-n)...)
	}
	f.y = f.y[:f.samples]
	clear(f.y[n:])
	return f.mel.LogMel(dst, f.y), nil
}

// readAll is io.ReadAll into memory that is there already.
func readAll(buf []byte, r io.Reader) ([]byte, error) {
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

// resamplers makes the Resampler of each source rate once.
type resamplers struct {
	to   int
	mu   sync.Mutex
	made map[int]*Resampler
}

func (s *resamplers) from(rate int) (*Resampler, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.made[rate]; ok {
		return r, nil
	}
	r, err := NewResampler(rate, s.to)
	if err != nil {
		return nil, err
	}
	if s.made == nil {
		s.made = map[int]*Resampler{}
	}
	s.made[rate] = r
	return r, nil
}
