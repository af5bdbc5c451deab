// Package esc50 trains the course's AudioNet on ESC-50, a set of 2000 five
// second recordings of 50 classes of environmental sound: Open a published
// copy (or Synthesize one of its shape), Extract its features, and Train.
//
//	data, err := esc50.Open(os.DirFS("ESC-50-master"))
//	features, err := esc50.Extract(ctx, data, nil)
//	result, err := esc50.Train(ctx, nil, features, config, nil)
//
// # Front end
//
// ReadWAV, Resampler and Mel are torchaudio's Resample, MelSpectrogram and
// AmplitudeToDB with the course's settings: a 5 s clip becomes 128 mel bands by
// 201 frames of decibels.
//
// # The same bits everywhere
//
// Features are the same to the bit whatever the processor and the number of
// goroutines, and so is everything random: order of the batches, augmentation
// and synthetic clips come from the seed by this package's own functions. With
// the backend of esc50/cpu the whole training is.
package esc50
