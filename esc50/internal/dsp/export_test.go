package dsp

// WithoutVector runs f with the portable code.
func WithoutVector(f func()) {
	was := vector
	vector = false
	defer func() { vector = was }()
	f()
}

// Vector reports whether there is an assembler version.
func Vector() bool { return vector }
