package gs

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/web"
)

// scope is what tokens are asked for: to read and write objects.
const scope = "https://www.googleapis.com/auth/devstorage.read_write"

// Time-outs are not among DVC's options for gs. Finishing a large upload takes
// the server a while.
const (
	connectTimeout = 10 * time.Second
	readTimeout    = 2 * time.Minute
)

// resumable is the least size of an upload that can go on after an interruption,
// which costs a request more. Google advises 8 MiB.
const resumable = 8 << 20

// open makes no request, except that it may ask a metadata server whether it is
// there.
func open(ctx context.Context, c remote.Config) (remote.Remote, error) {
	name, prefix := c.Split()
	if name == "" {
		return nil, fmt.Errorf("remote '%s': %s names no bucket", c.Name, c.URL)
	}
	b := &bucket{cfg: c, name: name, prefix: prefix, large: resumable, sessions: map[string]string{}}
	tr := new(http.Transport)
	if err := web.Tune(tr, &c, web.Timeouts{Connect: connectTimeout, Read: readTimeout}); err != nil {
		return nil, err
	}
	b.client = web.Client{Config: &b.cfg, HTTP: &http.Client{Transport: tr}, Header: http.Header{}, Explain: b.explain}
	emulator := b.locate()
	b.client.Fix = "gcloud auth application-default login, or dvc remote modify --local " + c.Name + " credentialpath FILE"
	switch {
	case c.Bool("allow_anonymous_login", false):
		b.client.Tried = []string{"no credentials (allow_anonymous_login)"}
		return b, nil
	case emulator && c.Get("credentialpath") == "":
		b.client.Tried = []string{"no credentials (STORAGE_EMULATOR_HOST)"}
		return b, nil
	}
	return b, b.authenticate(ctx, tr)
}

// locate finds the server as DVC's library does and reports whether it is an
// emulator that the environment names. An option counts more.
func (b *bucket) locate() (emulator bool) {
	b.server = "https://storage.googleapis.com"
	host := os.Getenv("STORAGE_EMULATOR_HOST")
	switch option := b.cfg.Get("endpointurl"); {
	case option != "":
		b.server = option
	case host != "" && host != "default":
		b.server, emulator = host, true
	}
	if !strings.Contains(b.server, "://") {
		b.server = "http://" + b.server
	}
	b.server = strings.TrimRight(b.server, "/")
	return emulator
}

// authenticate puts a source of tokens before the transport. The tokens
// themselves are fetched through the same proxies and authorities.
func (b *bucket) authenticate(ctx context.Context, tr *http.Transport) error {
	ctx = context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, &http.Client{Transport: tr})
	creds, err := b.credentials(ctx)
	if err != nil {
		e := b.cfg.Fail("connect", "", err)
		e.Kind, e.Tried, e.Fix = remote.ErrDenied, b.client.Tried, b.client.Fix
		return e
	}
	if creds == nil {
		b.client.Tried = append(b.client.Tried, "no credentials")
		return nil
	}
	if project := quota(creds.JSON); project != "" {
		b.client.Header.Set("X-Goog-User-Project", project)
	}
	b.client.HTTP.Transport = &web.Guarded{With: &oauth2.Transport{Source: creds.TokenSource, Base: tr}, Without: tr}
	return nil
}

// credentials are nil where none are found: then public buckets can still be read,
// as with DVC. It notes what is tried.
func (b *bucket) credentials(ctx context.Context) (*google.Credentials, error) {
	if path := b.cfg.Path("credentialpath"); path != "" {
		b.client.Tried = []string{"credentialpath " + path}
		return fromFile(ctx, path)
	}
	if path := os.Getenv("GOOGLE_APPLICATION_CREDENTIALS"); path != "" {
		b.client.Tried = []string{path + " (GOOGLE_APPLICATION_CREDENTIALS)"}
		return fromFile(ctx, path)
	}
	gcloud := gcloudFile()
	b.client.Tried = []string{"the environment (GOOGLE_APPLICATION_CREDENTIALS)", gcloud, "the metadata server of a machine at Google"}
	if _, err := os.Stat(gcloud); err == nil {
		b.client.Tried = []string{gcloud}
		return fromFile(ctx, gcloud)
	}
	creds, err := google.FindDefaultCredentials(ctx, scope)
	if err != nil { // it says only that there are none
		return nil, nil
	}
	return creds, nil
}

// fromFile reads credentials of any kind that Google has: of a service account, a
// user, another cloud's identity, or one that acts for another.
func fromFile(ctx context.Context, path string) (*google.Credentials, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var f struct{ Type google.CredentialsType }
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("%s is no file of credentials in JSON", path)
	}
	switch f.Type {
	case google.ServiceAccount, google.AuthorizedUser, google.ExternalAccount, google.ExternalAccountAuthorizedUser, google.ImpersonatedServiceAccount:
	default:
		return nil, fmt.Errorf("%s holds credentials of the kind '%s', and not of a service account or a user", path, f.Type)
	}
	creds, err := google.CredentialsFromJSONWithType(ctx, data, f.Type, scope)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return creds, nil
}

// gcloudFile is where "gcloud auth application-default login" leaves credentials.
func gcloudFile() string {
	const name = "application_default_credentials.json"
	if dir := os.Getenv("CLOUDSDK_CONFIG"); dir != "" {
		return filepath.Join(dir, name)
	}
	if dir := os.Getenv("APPDATA"); dir != "" && os.PathSeparator == '\\' {
		return filepath.Join(dir, "gcloud", name)
	}
	home, _ := os.UserHomeDir()
	return filepath.Join(home, ".config", "gcloud", name)
}

// quota is the project that requests of a user are counted for.
func quota(credentials []byte) string {
	if project := os.Getenv("GOOGLE_CLOUD_QUOTA_PROJECT"); project != "" {
		return project
	}
	var f struct {
		Project string `json:"quota_project_id"`
	}
	json.Unmarshal(credentials, &f) // absent on a machine at Google
	return f.Project
}
