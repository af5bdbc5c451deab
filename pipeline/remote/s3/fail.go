package s3

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/netfault"
)

// fail says what an error of the SDK means.
func (b *bucket) fail(op, key string, err error) error {
	code := ""
	if api := smithy.APIError(nil); errors.As(err, &api) {
		code = api.ErrorCode()
	}
	e := b.cfg.Fail(op, key, plain(err, code))
	http := status(err)
	switch {
	case http == 407:
		netfault.Proxy(e)
	// The file here is at fault and not the bucket; its error stays as it is.
	case remote.IsSource(err):
	case code == "NoSuchBucket":
		return b.noBucket(op, key, err)
	// A response to HEAD has no body and so no code of S3's: the status must do.
	case code == "NoSuchKey" || code == "NoSuchVersion" || http == 404 && (code == "NotFound" || code == ""):
		e.Kind = remote.ErrNotFound
	case code == "NoSuchUpload": // somebody aborted it; another try begins a new one
		e.Temporary = true
	case noCredentials(err) || refused(code):
		e.Kind, e.Tried, e.Fix = remote.ErrDenied, b.tried, b.fix(code)
	// The SDK makes no second try (see load), so Temporary is what makes the caller
	// try again, after what the server asked for.
	case throttled(code) || http == 429 || http >= 500:
		e.Temporary, e.After = true, retryAfter(err)
	case http == 401 || http == 403:
		e.Kind, e.Tried, e.Fix = remote.ErrDenied, b.tried, b.fix(code)
	// Asked in the wrong region, S3 answers with a redirect or says that the signature
	// names another region; another try would end the same way.
	case http == 301 || http == 307 || code == "AuthorizationHeaderMalformed":
		e.Fix = "the bucket is in another region: dvc remote modify " + b.cfg.Name + " region REGION"
	default:
		netfault.Classify(e)
	}
	return e
}

// plain strips what the SDK writes around the server's words ("operation error
// S3: PutObject, https response error StatusCode: 403, RequestID: …").
func plain(err error, code string) error {
	var api smithy.APIError
	if code == "" || !errors.As(err, &api) {
		// What the network says, without the URL of the request.
		if u := (*url.Error)(nil); errors.As(err, &u) {
			return u.Err
		}
		var op *smithy.OperationError
		if errors.As(err, &op) {
			return op.Err
		}
		return err
	}
	return &codeError{code, api.ErrorMessage()}
}

// codeError is what the server said.
// The kind of error stays an smithy.APIError, so that callers may still ask for
// its code.
type codeError struct{ code, message string }

func (e *codeError) Error() string {
	if e.message == "" || e.message == e.code {
		return e.code
	}
	return e.code + ": " + e.message
}

// ErrorCode, with the next three, makes it an smithy.APIError.
func (e *codeError) ErrorCode() string { return e.code }

// ErrorMessage is the text after the code.
func (e *codeError) ErrorMessage() string { return e.message }

// ErrorFault is not known.
func (e *codeError) ErrorFault() smithy.ErrorFault { return smithy.FaultUnknown }

// noBucket is the error about a bucket that is not there. Without it nothing can
// be found, which must not look like an object that is missing: a push would
// send everything, only to fail. A nil err gives an Error without a cause.
func (b *bucket) noBucket(op, key string, err error) error {
	e := b.cfg.Fail(op, key, nil)
	e.Kind, e.Err = remote.ErrUnreachable, &codeError{"NoSuchBucket", "there is no bucket '" + b.name + "'"}
	e.Fix = "create it, or dvc remote modify " + b.cfg.Name + " url s3://BUCKET/PATH"
	if err == nil {
		e.Err = nil
	}
	return e
}

// fix is the command that would help against a refusal.
func (b *bucket) fix(code string) string {
	name := b.cfg.Name
	switch code {
	case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired":
		return "the credentials have expired: aws sso login, or dvc remote modify --local " + name + " session_token TOKEN"
	case "RequestTimeTooSkewed":
		return "set this machine's clock"
	case "SignatureDoesNotMatch", "InvalidAccessKeyId":
		return "dvc remote modify --local " + name + " access_key_id ID, and secret_access_key SECRET"
	}
	return "aws configure, aws sso login, dvc remote modify " + name + " profile PROFILE, or dvc remote modify --local " +
		name + " access_key_id ID and secret_access_key SECRET"
}

// noCredentials recognises that the chain of credentials came to its end; the
// SDK has no type for it.
func noCredentials(err error) bool {
	text := err.Error()
	for _, part := range []string{"get identity:", "failed to refresh cached credentials", "retrieve credentials", "static credentials are empty"} {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// refused knows the refusals that are not told by the status.
func refused(code string) bool {
	switch code {
	case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken", "RequestTimeTooSkewed":
		return true
	}
	return false
}

// throttled goes by the SDK's own lists of what may pass, for its retries are off
// but its knowledge is not.
func throttled(code string) bool {
	_, throttle := retry.DefaultThrottleErrorCodes[code]
	_, again := retry.DefaultRetryableErrorCodes[code]
	return throttle || again
}

// status is the HTTP status of the response; 0 if there was none.
func status(err error) int {
	if re := new(awshttp.ResponseError); errors.As(err, &re) {
		return re.HTTPStatusCode()
	}
	return 0
}

// retryAfter is how long the server asks to be left alone; 0 if it doesn't say.
func retryAfter(err error) time.Duration {
	re := new(awshttp.ResponseError)
	if !errors.As(err, &re) || re.Response == nil {
		return 0
	}
	return seconds(re.Response.Header)
}

// seconds reads the header in its simple form, a number of seconds; a date counts
// as absent.
func seconds(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Second
}
