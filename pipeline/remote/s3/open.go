package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

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
	if b.addressing, err = addressingStyle(b.files.config, b.profile); err != nil {
		return nil, fmt.Errorf("remote '%s': %w", c.Name, err)
	}
	b.client = b.newClient(cfg)
	// The SDK sends nothing to Amazon without a region; other servers get any (see
	// newClient).
	if !b.custom && (cfg.Region == "" || b.asksRegion()) {
		cfg.Region = b.findRegion(ctx, cfg)
		b.client = b.newClient(cfg)
	}
	return b, nil
}

// asksRegion: without the option region DVC asks for the bucket's, even where a
// profile names one, unless cache_regions says no.
func (b *bucket) asksRegion() bool {
	return b.cfg.Get("region") == "" && os.Getenv("AWS_REGION") == "" && b.cfg.Bool("cache_regions", true)
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
		// The library's own log goes to the program's standard error otherwise. What
		// matters of it is in the errors.
		config.WithLogger(logging.Nop{}),
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
	b.files = sharedFiles(c)
	// As in DVC, the environment's files come before the options'.
	if path := c.Path("credentialpath"); path != "" && b.files.credentials == path {
		opts = append(opts, config.WithSharedCredentialsFiles([]string{path}))
	}
	if path := c.Path("configpath"); path != "" && b.files.config == path {
		opts = append(opts, config.WithSharedConfigFiles([]string{path}))
	}
	if b.profile = c.Get("profile"); b.profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(b.profile))
	} else if b.profile = os.Getenv("AWS_PROFILE"); b.profile == "" {
		b.profile = "default"
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
		b.tried = append([]string{"the environment (AWS_ACCESS_KEY_ID)", "profile '" + b.profile + "' in " + b.files.String()},
			"the credentials of a container and of an EC2 instance")
	}
	return config.LoadDefaultConfig(ctx, opts...)
}

// newClient makes a client, and notes in b.custom whether it is of a server other
// than Amazon's: that may come from DVC's endpointurl or from AWS's files.
func (b *bucket) newClient(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		if url := b.cfg.Get("endpointurl"); url != "" {
			o.BaseEndpoint = aws.String(url)
		}
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired // MD5 is checked anyway
		o.UsePathStyle = b.addressing == "path"
		ssl := b.cfg.Bool("use_ssl", true)
		o.EndpointOptions.DisableHTTPS = !ssl
		if o.BaseEndpoint != nil {
			b.custom = true
			o.UsePathStyle = b.addressing != "virtual" && !needsVirtualHost(*o.BaseEndpoint)
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
// read it. Whoever doesn't know leaves it as it is.
func (b *bucket) findRegion(ctx context.Context, cfg aws.Config) string {
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if !b.cfg.Bool("cache_regions", true) {
		return cfg.Region
	}
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
	return cfg.Region
}
