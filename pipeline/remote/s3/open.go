package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/reprodl/reprodl/pipeline/remote"
	"github.com/reprodl/reprodl/pipeline/remote/internal/web"
)

// open makes no request, except for the region where none is configured.
func open(ctx context.Context, c remote.Config) (remote.Remote, error) {
	name, prefix := c.Split()
	if name == "" {
		return nil, fmt.Errorf("remote '%s': %s names no bucket", c.Name, c.URL)
	}
	write, err := newWriteOptions(&c)
	if err != nil {
		return nil, err
	}
	b := &bucket{cfg: c, name: name, prefix: prefix, write: write, sizes: defaultSizes, parts: make(chan struct{}, c.Concurrency())}
	quick, err := b.httpClient(true)
	if err != nil {
		return nil, err
	}
	slow, err := b.httpClient(false)
	if err != nil {
		return nil, err
	}
	cfg, err := b.load(ctx, quick)
	if err != nil {
		e := c.Fail("connect", "", err)
		e.Kind, e.Tried = remote.ErrDenied, b.tried
		return nil, e
	}
	b.slow = slow
	if tuned, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok { // which has AWS_CA_BUNDLE's authorities by now
		b.slow = tuned.WithTransportOptions(func(tr *http.Transport) { tr.ResponseHeaderTimeout = 0 })
	}
	b.client = b.newClient(cfg)
	// The SDK sends nothing to Amazon without a region; other servers get any (see
	// newClient).
	if cfg.Region == "" && !b.custom {
		cfg.Region = b.findRegion(ctx, cfg)
		b.client = b.newClient(cfg)
	}
	return b, nil
}

// httpClient must be the SDK's own kind, into which it can put the authorities
// of AWS_CA_BUNDLE: with any other, loading the configuration fails then.
func (b *bucket) httpClient(limit bool) (*awshttp.BuildableClient, error) {
	t, err := web.Seconds(&b.cfg, "connect_timeout", "read_timeout")
	if err != nil {
		return nil, err
	}
	// Completing an upload answers only when all parts are put together.
	if !limit {
		t.Read = 0
	}
	var tuneErr error
	client := awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
		if err := web.Tune(tr, &b.cfg, t); err != nil {
			tuneErr = err
		}
	})
	// Options are applied when the transport is first used; an error must show now.
	client.GetTransport() // applies the options
	return client, tuneErr
}

// load reads the configuration that DVC's options and AWS's files make
// together, and notes where credentials are looked for.
func (b *bucket) load(ctx context.Context, client *awshttp.BuildableClient) (aws.Config, error) {
	c := &b.cfg
	opts := []func(*config.LoadOptions) error{
		config.WithHTTPClient(client),
		// What fails is tried again by the caller, the same way for all remotes.
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }),
	}
	if region := c.Get("region"); region != "" {
		opts = append(opts, config.WithRegion(region))
	}
	if ca := web.Authorities(c); ca != "" {
		f, err := os.Open(ca)
		if err != nil {
			return aws.Config{}, err
		}
		defer f.Close()
		opts = append(opts, config.WithCustomCABundle(f))
	}
	var files []string
	// As in DVC, the environment's files come before the options'.
	if path := c.Path("credentialpath"); path != "" && os.Getenv("AWS_SHARED_CREDENTIALS_FILE") == "" {
		opts = append(opts, config.WithSharedCredentialsFiles([]string{path}))
		files = append(files, path)
	}
	if path := c.Path("configpath"); path != "" && os.Getenv("AWS_CONFIG_FILE") == "" {
		opts = append(opts, config.WithSharedConfigFiles([]string{path}))
		files = append(files, path)
	}
	profile := c.Get("profile")
	if profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(profile))
	} else if profile = os.Getenv("AWS_PROFILE"); profile == "" {
		profile = "default"
	}
	switch id, secret := c.Get("access_key_id"), c.Get("secret_access_key"); {
	case c.Bool("allow_anonymous_login", false):
		opts = append(opts, config.WithCredentialsProvider(aws.AnonymousCredentials{}))
		b.tried = []string{"no credentials (allow_anonymous_login)"}
	// Half a pair is no credential; then the usual places are looked at.
	case id != "" && secret != "":
		opts = append(opts, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(id, secret, c.Get("session_token"))))
		b.tried = []string{"the options access_key_id and secret_access_key"}
	default:
		b.tried = append([]string{"the environment (AWS_ACCESS_KEY_ID)", "profile '" + profile + "' in " + shown(files)},
			"the credentials of a container and of an EC2 instance")
	}
	return config.LoadDefaultConfig(ctx, opts...)
}

// shown are the shared files that the SDK reads.
func shown(files []string) string {
	for i, f := range []struct{ variable, standard string }{
		{"AWS_SHARED_CREDENTIALS_FILE", filepath.Join("~", ".aws", "credentials")}, {"AWS_CONFIG_FILE", filepath.Join("~", ".aws", "config")},
	} {
		switch path := os.Getenv(f.variable); {
		case path != "":
			files = append(files, path)
		case len(files) <= i:
			files = append(files, f.standard)
		}
	}
	return strings.Join(files, " and ")
}

// newClient makes a client, and notes in b.custom whether it is of a server other
// than Amazon's: that may come from DVC's endpointurl or from AWS's files.
func (b *bucket) newClient(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		if url := b.cfg.Get("endpointurl"); url != "" {
			o.BaseEndpoint = aws.String(url)
		}
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired // MD5 is checked anyway
		ssl := b.cfg.Bool("use_ssl", true)
		o.EndpointOptions.DisableHTTPS = !ssl
		if o.BaseEndpoint != nil {
			b.custom = true
			o.UsePathStyle = !needsVirtualHost(*o.BaseEndpoint)
			if o.Region == "" {
				o.Region = "us-east-1" // any will do to sign with
			}
		}
		if b.custom || !ssl {
			// Older servers refuse the trailing checksums that Amazon prefers.
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		}
	})
}

// needsVirtualHost knows the servers that want the bucket in the host's name.
func needsVirtualHost(endpoint string) bool {
	for _, host := range []string{".aliyuncs.com", ".myqcloud.com"} {
		if strings.Contains(endpoint, host) {
			return true
		}
	}
	return false
}

// findRegion asks where the bucket is. Amazon tells that even those who may not
// read it.
func (b *bucket) findRegion(ctx context.Context, cfg aws.Config) string {
	const anywhere = "us-east-1"
	cfg.Region = anywhere
	cfg.Credentials = aws.AnonymousCredentials{}
	out, err := s3.NewFromConfig(cfg).HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.name})
	var re *awshttp.ResponseError
	if errors.As(err, &re) && re.Response != nil {
		if region := re.Response.Header.Get("X-Amz-Bucket-Region"); region != "" {
			return region
		}
	}
	if err == nil && out.BucketRegion != nil {
		return *out.BucketRegion
	}
	return anywhere
}
