package esc50

// ImprovedRecipe is the recipe for a few hundred clips: the course's network
// with half of its filters, trained four times as long on inputs that are
// normalised, rotated in time and masked, with a falling learning rate, and
// averaged over its last hundred steps. The last layer learns ten times as
// fast: averaged over a clip, the features that it reads differ little from
// clip to clip, so that its weights have far to go. Data and seed are left to
// the caller.
//
// It was chosen on ESC-10 with seed 1, mostly on folds 2 and 4, by the loss
// after 30 epochs. There, other rates, twice the filters and batches of 4 or 32
// learned no faster; stretching time and shifting bands did worse, and so did
// leaving the masks out, bands normalised one by one or marked by an offset.
// Mixup and label smoothing had done worse with seed 42 before. The factor of
// the last layer was looked for after 6e-3 for all layers had brought folds 1
// and 2 to 82.5 % with seed 42.
func ImprovedRecipe() Config {
	return Config{
		BaseFilters:  16,
		MaxEpochs:    80,
		BatchSize:    8,
		LearningRate: 3e-3,
		Schedule:     "cosine",
		WarmUp:       1,
		HeadFactor:   10,
		Normalize:    true,
		TimeShift:    0.5,
		FreqMask:     16,
		TimeMask:     32,
		Average:      0.99,
	}
}
