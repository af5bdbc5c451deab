package live

type reporter struct{}

func (r *reporter) kick() {}

type curve struct{}

func (c *curve) add(step int, v float64) {}

func (l *Logger) newCurve(s *series) *curve { return nil }
func (l *Logger) initReport()               {}
func (l *Logger) finishReport()             {}

// MakeReport ...
func (l *Logger) MakeReport() error { return nil }
