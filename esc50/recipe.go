package esc50

// ImprovedRecipe is the recipe for a few hundred clips: the course's network,
// trained on shifted, masked and blended inputs with a falling learning rate,
// and averaged over its last steps. Data, size and seed are left to the caller.
func ImprovedRecipe() Config {
	return Config{
		MaxEpochs:      40,
		BatchSize:      8,
		LearningRate:   2e-3,
		Schedule:       "cosine",
		WarmUp:         1,
		Normalize:      true,
		TimeShift:      0.5,
		FreqMask:       16,
		TimeMask:       32,
		Masks:          2,
		Mixup:          0.3,
		LabelSmoothing: 0.1,
		Average:        0.99,
	}
}
