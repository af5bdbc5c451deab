package gs

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"golang.org/x/oauth2"

	"github.com/reprodl/reprodl/pipeline/remote"
)

// explain puts the server's words for its JSON, and corrects what the status alone
// says. A refused token arrives here without an answer.
func (b *bucket) explain(e *remote.Error, status int, body []byte) {
	var token *oauth2.RetrieveError
	if errors.As(e.Err, &token) {
		e.Kind, e.Temporary, e.Tried, e.Fix = remote.ErrDenied, false, b.client.Tried, b.client.Fix
		e.Err = errors.New("Google gives no token for these credentials: " + words(token))
		return
	}
	var answer struct {
		Error struct {
			Message string
			Errors  []struct{ Reason string }
		}
	}
	if json.Unmarshal(body, &answer) == nil && answer.Error.Message != "" {
		e.Err = errors.New(answer.Error.Message)
	}
	reason := ""
	if list := answer.Error.Errors; len(list) > 0 {
		reason = list[0].Reason
	}
	switch {
	// The only difference to an object that is not there.
	case status == http.StatusNotFound && strings.Contains(strings.ToLower(answer.Error.Message), "bucket does not exist"):
		gone := b.noBucket(e.Op, "")
		gone.URL = e.URL
		*e = *gone
	case status == http.StatusForbidden && strings.Contains(strings.ToLower(reason), "ratelimitexceeded"):
		e.Kind, e.Tried, e.Fix, e.Temporary = nil, nil, "", true
	case status == http.StatusUnauthorized && len(b.client.Tried) > 0:
		e.Kind, e.Tried, e.Fix = remote.ErrDenied, b.client.Tried, b.client.Fix
	}
}

// words are those of the token server, without what it was sent.
func words(err *oauth2.RetrieveError) string {
	var answer struct {
		Code        string `json:"error"`
		Description string `json:"error_description"`
	}
	json.Unmarshal(err.Body, &answer) // a proxy may have answered
	switch {
	case answer.Description != "":
		return answer.Description
	case answer.Code != "":
		return answer.Code
	case err.Response != nil:
		return err.Response.Status
	}
	return "it is refused"
}

// noBucket is the error about a bucket that is not there. Without it nothing can
// be found, which must not look like an object that is missing: a push would
// send everything, only to fail.
func (b *bucket) noBucket(op, key string) *remote.Error {
	e := b.cfg.Fail(op, key, errors.New("there is no bucket '"+b.name+"'"))
	e.Kind = remote.ErrUnreachable
	e.Fix = "create it, or dvc remote modify " + b.cfg.Name + " url gs://BUCKET/PATH"
	return e
}
