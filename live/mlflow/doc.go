// Package mlflow sends what a live.Logger logs to an MLflow tracking server:
// runs, parameters, metrics, tags, images and artifacts, over the server's REST
// API. It needs no Python and nothing beyond the standard library.
//
//	sink, err := mlflow.Open(&mlflow.Options{URI: "http://mlflow.example:5000", Experiment: "esc50"})
//	…
//	logger, err := live.Open("", &live.Options{Sinks: []live.Sink{sink}})
//
// The environment variables of MLflow's own clients count where an option is
// left empty: MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME, MLFLOW_EXPERIMENT_ID,
// MLFLOW_RUN_ID, MLFLOW_TRACKING_USERNAME with MLFLOW_TRACKING_PASSWORD, and
// MLFLOW_TRACKING_TOKEN.
//
// # A server that is away
//
// A step never waits for the network. What is logged goes to a spool on disk,
// and a goroutine sends it from there, in batches of up to a thousand. A server
// that does not answer, or asks for patience (408, 429, 5xx), or does not accept
// the credentials, is tried again, less and less often. What is left when the
// program ends, or dies, stays in the spool: the next process that opens a sink
// for the same server sends it, and so does [Send]. A run whose process died
// is then marked FAILED.
//
// The state of the spool is written after the server's answer. A process that
// dies in between sends one batch twice; MLflow's database keeps a metric with
// the same step, time and value once.
//
// # What MLflow refuses
//
// Names of metrics and parameters may hold letters, digits and _-./ and blanks;
// other characters become underscores, so that system/ram/usage (%) appears as
// system/ram/usage ___. A metric that is no number becomes a tag. Parameters are
// flattened, optimizer.lr, and hold Python's text of a value; MLflow keeps the
// first value of a parameter and refuses another one. Whatever the server
// refuses for good is left out, the rest of its batch is sent, and Close
// returns the first refusal.
//
// Artifacts go through the tracking server (mlflow server --serve-artifacts,
// the default). They are copied into the spool when they are logged, so that a
// checkpoint may be overwritten by the next one.
package mlflow
