package azure

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/web"
)

// open makes no request.
func open(ctx context.Context, c remote.Config) (remote.Remote, error) {
	login := settings(&c)
	name, prefix := c.Split()
	if name == "" {
		if name = login.container; name == "" {
			return nil, fmt.Errorf("remote '%s': %s names no container", c.Name, c.URL)
		}
	}
	s := &store{cfg: c, name: name, prefix: prefix, sizes: defaultSizes, blocks: make(chan struct{}, c.Concurrency())}
	opts, err := s.clientOptions()
	if err != nil {
		return nil, err
	}
	if s.client, err = s.connect(ctx, login, opts); err != nil {
		// Never with the text of a key or a connection string that cannot be read.
		e := c.Fail("connect", "", err)
		s.denied(e)
		return nil, e
	}
	return s, nil
}

func (s *store) clientOptions() (*container.ClientOptions, error) {
	t, err := web.Seconds(&s.cfg, "connection_timeout", "read_timeout")
	if err != nil {
		return nil, err
	}
	tr := new(http.Transport)
	if err := web.Tune(tr, &s.cfg, t); err != nil {
		return nil, err
	}
	opts := &container.ClientOptions{ClientOptions: azcore.ClientOptions{
		Transport: &http.Client{Transport: tr, CheckRedirect: web.Careful(nil)},
		// What fails is tried again by the caller, the same way for all remotes.
		Retry: policy.RetryOptions{MaxRetries: -1},
	}}
	seconds, err := s.cfg.Seconds("timeout", 0)
	if err != nil {
		return nil, err
	}
	if seconds > 0 {
		opts.PerCallPolicies = append(opts.PerCallPolicies, serverTimeout(strconv.Itoa(int(max(1, seconds/time.Second)))))
	}
	return opts, nil
}

// serverTimeout is how many seconds the server may take for a request: DVC's
// option timeout.
type serverTimeout string

func (t serverTimeout) Do(r *policy.Request) (*http.Response, error) {
	query := r.Raw().URL.Query()
	query.Set("timeout", string(t))
	r.Raw().URL.RawQuery = query.Encode()
	return r.Next()
}

var errIncomplete = errors.New("tenant_id, client_id and client_secret are needed together")

// connect chooses the way to log in as DVC does: by the first that there is of
// connection string, account key, SAS token, service principal and default
// credentials. It notes which it is.
func (s *store) connect(ctx context.Context, l login, opts *container.ClientOptions) (*container.Client, error) {
	if l.connection == "" && l.account == "" {
		// DVC's words.
		return nil, errors.New("Authentication to Azure Blob Storage requires either account_name or connection_string.")
	}
	at := "https://" + l.account + ".blob.core.windows.net/" + url.PathEscape(s.name)
	switch {
	case l.connection != "":
		s.tried = []string{l.from["connection_string"]}
		client, err := container.NewClientFromConnectionString(l.connection, s.name, opts)
		if err != nil {
			return nil, errors.New(l.from["connection_string"] + " is not a connection string of a storage account")
		}
		return client, nil
	case s.cfg.Bool("allow_anonymous_login", false) && l.key == "" && l.sas == "":
		s.tried = []string{"no credentials (allow_anonymous_login)"}
		return container.NewClientWithNoCredential(at, opts)
	case l.key != "":
		s.tried = []string{l.from["account_key"]}
		cred, err := blob.NewSharedKeyCredential(l.account, l.key)
		if err != nil {
			return nil, errors.New(l.from["account_key"] + " is not in base64")
		}
		return container.NewClientWithSharedKeyCredential(at, cred, opts)
	case l.sas != "":
		s.tried = []string{l.from["sas_token"]}
		return container.NewClientWithNoCredential(at+"?"+strings.TrimPrefix(l.sas, "?"), opts)
	case l.tenant != "" && l.client != "" && l.secret != "":
		s.tried = []string{"the service principal " + l.client + " of tenant " + l.tenant}
		cred, err := azidentity.NewClientSecretCredential(l.tenant, l.client, l.secret, &azidentity.ClientSecretCredentialOptions{ClientOptions: opts.ClientOptions})
		if err != nil {
			return nil, err
		}
		return container.NewClient(at, cred, opts)
	case l.tenant != "" || l.client != "" || l.secret != "":
		return nil, errIncomplete
	}
	cred, err := s.defaults(ctx, opts.ClientOptions)
	if err != nil {
		return nil, err
	}
	return container.NewClient(at, cred, opts)
}

// excluded are DVC's options that leave out one of the default credentials.
var excluded = []string{
	"exclude_environment_credential", "exclude_managed_identity_credential",
	// Neither of these two exists here: without effect.
	"exclude_visual_studio_code_credential", "exclude_shared_token_cache_credential",
}

// defaults is Azure's chain of credentials, without what the options exclude.
func (s *store) defaults(ctx context.Context, o azcore.ClientOptions) (azcore.TokenCredential, error) {
	s.tried = []string{"Azure's default credentials"}
	all := true
	for _, option := range excluded[:2] {
		all = all && !s.cfg.Bool(option, false)
	}
	if all {
		return azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: o})
	}
	var chain []azcore.TokenCredential
	add := func(cred azcore.TokenCredential, err error) {
		if err != nil {
			cred = absent(strings.TrimPrefix(fmt.Sprintf("%T: %v", cred, err), "*azidentity."))
		}
		chain = append(chain, cred)
	}
	if !s.cfg.Bool("exclude_environment_credential", false) {
		add(azidentity.NewEnvironmentCredential(&azidentity.EnvironmentCredentialOptions{ClientOptions: o}))
	}
	add(azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{ClientOptions: o}))
	if !s.cfg.Bool("exclude_managed_identity_credential", false) {
		if atAzure(ctx) {
			add(azidentity.NewManagedIdentityCredential(&azidentity.ManagedIdentityCredentialOptions{ClientOptions: o}))
		} else {
			add(absent("ManagedIdentityCredential: this machine has none"), nil)
		}
	}
	add(azidentity.NewAzureCLICredential(nil))
	add(azidentity.NewAzureDeveloperCLICredential(nil))
	return azidentity.NewChainedTokenCredential(chain, nil)
}

// absent is a credential that there is not, and why.
type absent string

func (a absent) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{}, azidentity.NewCredentialUnavailableError(string(a))
}

// atAzure reports whether there is somebody to ask for a managed identity. The
// credential itself would try for a minute.
func atAzure(ctx context.Context) bool {
	for _, name := range []string{"IDENTITY_ENDPOINT", "MSI_ENDPOINT", "IMDS_ENDPOINT"} {
		if os.Getenv(name) != "" {
			return true
		}
	}
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", "169.254.169.254:80")
	if err != nil {
		return false
	}
	conn.Close()
	return true
}
