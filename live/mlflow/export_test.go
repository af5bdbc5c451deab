package mlflow

// Die stops the sink as if its process had been killed: the spool stays as it
// is, without an end.
func (s *Sink) Die() error { return s.abandon() }

// ValidName is the name under which MLflow gets a metric.
var ValidName = validName
