// Package values reads the values that a DVC repository holds, in the working
// tree and at any revision of git: the metrics that its stages produce, the
// parameters they are made with, and the data of plots.
//
//	repo, err := data.Open(".", nil)
//	…
//	all, err := values.Metrics(ctx, repo, nil)
//	diff, err := values.ParamsDiff(ctx, repo, nil) // HEAD and the working tree
//	plots, err := values.Plots(ctx, repo, &values.PlotsOptions{Revs: []string{"main", "first_train"}})
//
// A file of values that git doesn't have at a revision is read from DVC's cache.
// Who only runs stages compiles none of this: the handle of package pipeline
// has that of package data in it, which these functions take.
package values
