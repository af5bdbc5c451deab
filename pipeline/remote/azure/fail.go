package azure

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/netfault"
)

// fail says what an error of the library means.
func (s *store) fail(op, key string, err error) error {
	var re *azcore.ResponseError
	if remote.IsSource(err) || !errors.As(err, &re) {
		return s.failBefore(op, key, err)
	}
	code := re.ErrorCode
	e := s.cfg.Fail(op, key, errors.New(words(re)))
	switch {
	case code == string(bloberror.ContainerNotFound) || code == string(bloberror.ContainerBeingDeleted) || code == string(bloberror.ContainerDisabled):
		e.Kind, e.Err = remote.ErrUnreachable, errors.New(code+": there is no container '"+s.name+"'")
		e.Fix = "create it, or dvc remote modify " + s.cfg.Name + " url azure://CONTAINER/PATH"
	case re.StatusCode == http.StatusNotFound:
		e.Kind = remote.ErrNotFound
	case re.StatusCode == http.StatusProxyAuthRequired:
		netfault.Proxy(e)
	case re.StatusCode == http.StatusUnauthorized || re.StatusCode == http.StatusForbidden || code == string(bloberror.NoAuthenticationInformation):
		s.denied(e)
	// Another push of the same content has used up, or dropped, the blocks of this one.
	case code == string(bloberror.InvalidBlockList):
		e.Temporary = true
	case re.StatusCode == http.StatusTooManyRequests || re.StatusCode == http.StatusRequestTimeout || re.StatusCode >= 500 && re.StatusCode != http.StatusNotImplemented:
		e.Temporary = true
		if re.RawResponse != nil {
			if n, err := strconv.Atoi(re.RawResponse.Header.Get("Retry-After")); err == nil && n > 0 {
				e.After = time.Duration(n) * time.Second
			}
		}
	}
	return e
}

// denied adds what was tried and what would help.
func (s *store) denied(e *remote.Error) {
	e.Kind, e.Temporary = remote.ErrDenied, false
	if len(e.Tried) == 0 {
		e.Tried = s.tried
	}
	e.Fix = "az login, or dvc remote modify --local " + s.cfg.Name + " connection_string, account_key or sas_token"
}

// failBefore is about a request that got no answer from the storage: of the
// network, or because there is no token to send with it.
func (s *store) failBefore(op, key string, err error) error {
	var token *azidentity.AuthenticationFailedError
	var u *url.Error
	switch {
	case remote.IsSource(err):
		return s.cfg.Fail(op, key, err)
	case errors.As(err, &token) && token.RawResponse != nil:
		e := s.cfg.Fail(op, key, errors.New(tokenWords(token.RawResponse)))
		s.denied(e)
		return e
	case strings.Contains(err.Error(), "failed to acquire a token"):
		e := s.cfg.Fail(op, key, errors.New("there are no credentials"))
		e.Tried = attempts(err.Error())
		s.denied(e)
		return e
	case errors.As(err, &token):
		line, _, _ := strings.Cut(err.Error(), "\n")
		e := s.cfg.Fail(op, key, errors.New(line))
		s.denied(e)
		return e
	case errors.As(err, &u): // whose text has the URL, and in it a signature
		err = u.Err
	}
	e := s.cfg.Fail(op, key, err)
	netfault.Classify(e)
	return e
}

// words are the server's: its code and the first line of its message.
func words(re *azcore.ResponseError) string {
	text := re.ErrorCode
	if text == "" {
		text = http.StatusText(re.StatusCode)
	}
	if re.RawResponse == nil {
		return text
	}
	body, err := runtime.Payload(re.RawResponse)
	var answer struct{ Message string }
	if err != nil || xml.Unmarshal(body, &answer) != nil || answer.Message == "" {
		return text
	}
	line, _, _ := strings.Cut(answer.Message, "\n")
	return text + ": " + strings.TrimSpace(line)
}

// tokenWords are those of the server that gives tokens.
func tokenWords(resp *http.Response) string {
	body, err := runtime.Payload(resp)
	var answer struct {
		Description string `json:"error_description"`
	}
	if err != nil || json.Unmarshal(body, &answer) != nil || answer.Description == "" {
		return "no token is given for these credentials: " + resp.Status
	}
	line, _, _ := strings.Cut(answer.Description, "\n")
	return "no token is given for these credentials: " + strings.TrimSpace(line)
}

// attempts are the lines in which a chain of credentials tells what it tried:
// "EnvironmentCredential: missing environment variable AZURE_TENANT_ID".
func attempts(text string) []string {
	var list []string
	for line := range strings.Lines(text) {
		name, why, ok := strings.Cut(strings.TrimSpace(line), "Credential: ")
		if !ok || strings.ContainsRune(name, ' ') || name == "DefaultAzure" || name == "ChainedToken" {
			continue
		}
		why, _, _ = strings.Cut(why, ". To troubleshoot")
		list = append(list, name+"Credential ("+strings.TrimSuffix(why, ".")+")")
	}
	return list
}
