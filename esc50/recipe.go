package esc50

// ImprovedRecipe is the recipe for a few hundred clips: the course's network
// with half of its filters, trained three times as long on inputs that are
// normalised, rotated in time and masked, with a falling learning rate, and
// averaged over its last hundred steps. Data and seed are left to the caller.
//
// It was chosen among a few variants by the accuracy on folds 1 and 2 of ESC-10
// with seed 42, so the other folds and seeds are the fairer measure of it.
// Those with mixup and label smoothing did worse there.
func ImprovedRecipe() Config {
	return Config{
		BaseFilters:  16,
		MaxEpochs:    60,
		BatchSize:    8,
		LearningRate: 2e-3,
		Schedule:     "cosine",
		WarmUp:       1,
		Normalize:    true,
		TimeShift:    0.5,
		FreqMask:     16,
		TimeMask:     32,
		Average:      0.99,
	}
}
