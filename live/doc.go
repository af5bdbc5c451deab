// Package live logs the metrics of a training run in the files that DVCLive
// 3.49 writes, byte for byte, at a cost that doesn't show.
//
//	live.Log("train_loss", loss)
//	live.NextStep()
//
// are all that a program needs. [Open] gives a [Logger] with options, and with
// parameters, images, plots and artifacts:
//
//	logger, err := live.Open("dvclive", nil)
//	…
//	defer logger.Close()
//	logger.LogParams(config)
//	for epoch := range epochs {
//		logger.Log("train/loss", loss)
//		logger.NextStep()
//	}
//
// # Files
//
// A run lies in one directory: plots/metrics/NAME.tsv holds the history of a
// metric, metrics.json the latest values, params.yaml the parameters,
// plots/images, plots/custom and plots/sklearn the rest, report.html a page
// that shows all of it. A dvc.yaml beside the directory tells DVC about them,
// so that dvc metrics, dvc plots and dvc exp show work at once; what it says
// about other things is left as it is. [Points] and [Summary] read a directory
// back.
//
// # Time
//
// Log does no I/O; a goroutine writes. What is on disk lags behind by at most
// [Options].Lag, 200 ms by default, and the time of one write; after [Logger.Close] it
// is complete. A process that is killed loses what it logged in that time,
// and leaves no half-written file: histories grow by whole lines, everything
// else is replaced by rename, and the summary is written after the histories
// that it sums up. A run that resumes replaces rows that belong to steps after
// the last summary. The cost of a step doesn't depend on the steps before it.
//
// What the disk refuses is kept, up to 16 MB a metric, and tried again every
// second. Training goes on; the error is shown once and returned by Close.
//
// # Experiments
//
// [Options].Save is called when a run ends; its few lines around Repo.Save of
// package experiment are the caller's, so that neither package needs the
// other. Inside a DVC pipeline (DVC_ROOT) DVC saves the experiment itself.
// While a run goes on in a DVC repository, the signal files in
// .dvc/tmp/exps/run tell DVC's editor extension about it.
//
// # Elsewhere
//
// [Options].Sinks receive what is logged besides the files: package
// live/tensorboard writes event files, live/mlflow sends to a tracking server,
// live/gomlxlive logs a GoMLX training loop.
//
// # Other layouts
//
// [Classic] is the layout of DVCLive 0.0.3 of May 2021: logs/NAME.tsv with
// timestamps, logs.json with the values of the last step, and logs.html. The
// package-level functions use it when a runner has set DVCLIVE_PATH. There, a
// metric logged twice ends the step by itself. With [Options].NoTimestamp two
// equal runs write equal bytes. [Classic030] is the layout of 0.3.0.
//
// # Differences
//
// Where DVCLive loses data or surprises, this package does something else;
// the files stay compatible. [Options].Exact brings back what is marked with an
// asterisk.
//
//   - Opening a directory deletes nothing. An earlier run's files go when
//     something is logged; [Logger.Replaces] lists them. (*)
//   - A run resumed after step 0 continues at step 1; DVCLive repeats 0. (*)
//   - A resumed run replaces the rows that a run which died left behind its
//     last summary; DVCLive writes these steps a second time. A half-written
//     last line is cut off. (*)
//   - A parameter of an unsupported type is refused and changes nothing;
//     DVCLive leaves params.yaml empty. An empty params.yaml can be resumed. (*)
//   - A second logger on a directory is refused; in DVCLive both write. (*)
//   - Names that would leave the directory are refused.
//   - A report that can't be made doesn't stop the training, as NextStep of
//     DVCLive does. Close returns its error, as it returns one, [ErrSkipped], for
//     whatever DVCLive only warns of: an artifact outside of a repository, say. (*)
//   - In dvc.yaml the logger recognises its own entries by their path, also
//     when dvc.yaml lies in the directory; DVCLive looks for the directory's
//     name anywhere in the text, and repeats its entries in that case. Plots
//     given as a mapping keep their settings. (*)
//   - An evaluation that can't be computed isn't listed in dvc.yaml. (*)
//   - A name may be used both by LogPlot and by LogSklearnPlot.
//   - DVCLIVE_RESUME and DVCLIVE_TEST are true for 1, y, yes, true and on;
//     for DVCLive any text with one of the first four in it is. (*)
//   - Floats of 32 bits are accepted as parameters and in plots, by their
//     shortest text.
//   - metrics.json is replaced, not truncated and written.
//   - Histories end their lines with a line feed on every system.
//   - The system metrics need no graphics card, and the last row is the mean of
//     the samples it has. system/gpu/usage (%) is the share of time in which the
//     card computed; DVCLive divides the memory's share by it.
//   - DVC is set up in a git repository (dvc init) when an artifact needs it,
//     not by opening a logger. No experiment is saved unless Save is set.
//   - The Markdown report draws its curves as SVG, names the logged images
//     instead of embedding them, and keeps its tables whole. There is none for
//     notebooks. DVCLIVE_OPEN opens one browser, not one a step. Nothing is sent
//     to DVC Studio.
//   - The page of the classic layout is this package's report; DVC 2.1's had
//     one plot a metric. Images and plots can be logged there, too. (*)
//   - The classic layout keeps files in logs/ that are no histories. In 0.0.3 a
//     new run deleted them, and a metric's name could hold no slash; 0.3.0 kept
//     of each group the metric logged last in the summary. (*)
package live
