package mlflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"
)

// client talks to one tracking server.
type client struct {
	http *http.Client
	base *url.URL // without user and password
	auth string   // the Authorization header, or ""
}

func newClient(o *Options) (*client, error) {
	base, user, err := o.address()
	if err != nil {
		return nil, err
	}
	return &client{http: o.Client, base: base, auth: authorization(user)}, nil
}

// authorization follows http_request of MLflow: user and password, if both are
// there, else the token. A user in the address comes first.
func authorization(user *url.Userinfo) string {
	name, password := os.Getenv("MLFLOW_TRACKING_USERNAME"), os.Getenv("MLFLOW_TRACKING_PASSWORD")
	if user != nil {
		name = user.Username()
		password, _ = user.Password()
	}
	if name != "" && password != "" {
		r := http.Request{Header: make(http.Header)}
		r.SetBasicAuth(name, password)
		return r.Header.Get("Authorization")
	}
	if token := os.Getenv("MLFLOW_TRACKING_TOKEN"); token != "" {
		return "Bearer " + token
	}
	return ""
}

// address is the server's, as the spool keeps it.
func (c *client) address() string { return c.base.String() }

// answerError is an answer that is no success.
type answerError struct {
	Status  int
	Code    string `json:"error_code"`
	Message string `json:"message"`
}

func (e *answerError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s: %s %s", e.Status, http.StatusText(e.Status), e.Code, e.Message))
}

// temporary reports whether the same request may succeed later: the codes that
// MLflow's clients try again, and those of credentials, which can be mended.
func (e *answerError) temporary() bool {
	switch e.Status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	}
	return e.Status >= 500
}

// errNotServed is an artifact that cannot go through the tracking server.
var errNotServed = errors.New("the tracking server does not serve artifacts: start it with --serve-artifacts")

// permanent reports whether trying again is of no use.
func permanent(err error) bool {
	var a *answerError
	return errors.As(err, &a) && !a.temporary() || errors.Is(err, errNotServed)
}

// The codes of MLflow's answers that are looked at.
const (
	codeMissing = "RESOURCE_DOES_NOT_EXIST"
	codeExists  = "RESOURCE_ALREADY_EXISTS"
)

// hasCode reports whether err is an answer with that code.
func hasCode(err error, code string) bool {
	var a *answerError
	return errors.As(err, &a) && a.Code == code
}

// callTimeout is for an answer that needs no upload.
const callTimeout = 60 * time.Second

// call posts a request of the REST API, or gets one without a body, and decodes
// the answer into out unless that is nil.
func (c *client) call(ctx context.Context, method, endpoint string, query url.Values, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	u := c.base.JoinPath("api/2.0/mlflow", endpoint)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	return c.do(req, out)
}

func (c *client) do(req *http.Request, out any) error {
	if c.auth != "" {
		req.Header.Set("Authorization", c.auth)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	const most = 4 << 20
	body, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		answer := &answerError{}
		if json.Unmarshal(body, answer) != nil || answer.Code == "" {
			// Not MLflow's: a proxy on the way, or a path that is no server.
			answer.Message = fmt.Sprintf("%s: %.200q", req.URL.Path, body)
		}
		answer.Status = resp.StatusCode
		return answer
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("%s: no answer of an MLflow server: %w", req.URL.Path, err)
	}
	return nil
}

// experiment finds the number of an experiment by its name, and makes it where
// it is missing.
func (c *client) experiment(ctx context.Context, name string) (string, error) {
	find := func() (string, error) {
		var out struct {
			Experiment struct {
				ID string `json:"experiment_id"`
			} `json:"experiment"`
		}
		err := c.call(ctx, http.MethodGet, "experiments/get-by-name", url.Values{"experiment_name": {name}}, nil, &out)
		return out.Experiment.ID, err
	}
	id, err := find()
	if !hasCode(err, codeMissing) {
		return id, err
	}
	var out struct {
		ID string `json:"experiment_id"`
	}
	err = c.call(ctx, http.MethodPost, "experiments/create", nil, map[string]string{"name": name}, &out)
	if hasCode(err, codeExists) {
		return find() // another process was faster
	}
	return out.ID, err
}

// remoteRun is what matters of a run on the server.
type remoteRun struct {
	Info struct {
		RunID       string `json:"run_id"`
		ArtifactURI string `json:"artifact_uri"`
	} `json:"info"`
}

// spoolTag marks the runs that come from a spool, so that one is found again
// whose making was not answered.
const spoolTag = "reprodl.spool"

func (c *client) createRun(ctx context.Context, experiment, spool string, info runInfo) (remoteRun, error) {
	in := map[string]any{
		"experiment_id": experiment, "start_time": info.Start,
		"tags": append(info.Tags, keyValue{spoolTag, spool}),
	}
	if info.Name != "" {
		in["run_name"] = info.Name
	}
	var out struct {
		Run remoteRun `json:"run"`
	}
	err := c.call(ctx, http.MethodPost, "runs/create", nil, in, &out)
	return out.Run, err
}

// findRun looks for the run that a spool has made; the zero run says none.
func (c *client) findRun(ctx context.Context, experiment, spool string) (remoteRun, error) {
	in := map[string]any{
		"experiment_ids": []string{experiment}, "max_results": 1,
		"filter": fmt.Sprintf("tags.`%s` = '%s'", spoolTag, spool),
	}
	var out struct {
		Runs []remoteRun `json:"runs"`
	}
	if err := c.call(ctx, http.MethodPost, "runs/search", nil, in, &out); err != nil || len(out.Runs) == 0 {
		return remoteRun{}, err
	}
	return out.Runs[0], nil
}

func (c *client) getRun(ctx context.Context, id string) (remoteRun, error) {
	var out struct {
		Run remoteRun `json:"run"`
	}
	err := c.call(ctx, http.MethodGet, "runs/get", url.Values{"run_id": {id}}, nil, &out)
	return out.Run, err
}

// setStatus begins a run again, or ends it; end is in milliseconds since 1970,
// 0 for none.
func (c *client) setStatus(ctx context.Context, run, status string, end int64) error {
	in := map[string]any{"run_id": run, "status": status}
	if end != 0 {
		in["end_time"] = end
	}
	return c.call(ctx, http.MethodPost, "runs/update", nil, in, nil)
}

func (c *client) logBatch(ctx context.Context, run string, entries []entry) error {
	in := struct {
		RunID   string     `json:"run_id"`
		Metrics []metric   `json:"metrics,omitempty"`
		Params  []keyValue `json:"params,omitempty"`
		Tags    []keyValue `json:"tags,omitempty"`
	}{RunID: run}
	for _, e := range entries {
		switch {
		case e.Metric != nil:
			in.Metrics = append(in.Metrics, *e.Metric)
		case e.Param != nil:
			in.Params = append(in.Params, *e.Param)
		case e.Tag != nil:
			in.Tags = append(in.Tags, *e.Tag)
		}
	}
	return c.call(ctx, http.MethodPost, "runs/log-batch", nil, in, nil)
}

// upload puts a file below the run's artifacts, by way of the tracking server.
func (c *client) upload(ctx context.Context, artifactURI, name string, f *os.File) error {
	root, err := url.Parse(artifactURI)
	if err != nil || root.Scheme != "mlflow-artifacts" || root.Host != "" && root.Host != c.base.Host {
		return fmt.Errorf("artifacts of the run are kept at %s: %w", artifactURI, errNotServed)
	}
	fi, err := f.Stat()
	if err != nil {
		return err
	}
	// A minute, and time for a slow line: 100 kB/s.
	ctx, cancel := context.WithTimeout(ctx, callTimeout+time.Duration(fi.Size()/100_000)*time.Second)
	defer cancel()
	u := c.base.JoinPath("api/2.0/mlflow-artifacts/artifacts", path.Join(root.Path, name))
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, u.String(), io.NopCloser(f))
	if err != nil {
		return err
	}
	if req.ContentLength = fi.Size(); fi.Size() == 0 {
		req.Body = http.NoBody
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	return c.do(req, nil)
}
