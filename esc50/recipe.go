package esc50

// ImprovedRecipe is the recipe for a few hundred clips: the course's network
// with half of its filters, trained four times as long on inputs that are
// normalised, rotated in time and masked, with a high and falling learning
// rate, and averaged over its last hundred steps. Data and seed are left to the
// caller.
//
// It was chosen on ESC-10 among a few variants with seed 1, by loss and
// accuracy after 30 epochs, and 80 epochs were tried on folds 2 and 4 only. At
// 30 epochs twice the filters learned no faster, nor did batches of 4 or 32;
// stretching time and shifting bands did worse, and so did leaving the masks
// out. Mixup and label smoothing had done worse with seed 42 before.
func ImprovedRecipe() Config {
	return Config{
		BaseFilters:  16,
		MaxEpochs:    80,
		BatchSize:    8,
		LearningRate: 6e-3,
		Schedule:     "cosine",
		WarmUp:       1,
		Normalize:    true,
		TimeShift:    0.5,
		FreqMask:     16,
		TimeMask:     32,
		Average:      0.99,
	}
}
