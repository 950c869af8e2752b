// Package awsenv is how the example programs find AWS, or the stand-in cloud of
// examples/localcloud, from flags and the environment.
package awsenv

import (
	"cmp"
	"context"
	"crypto/x509"
	"flag"
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/smartcam-sdk/smartcam/iotcreds"
)

// Flags say where AWS is and as whom to go there. What is empty is left to the
// AWS environment variables and configuration files.
type Flags struct {
	Device   string // directory with a device's certificate
	Region   string
	Endpoint string // URL of the control plane
	CA       string // PEM file of further root certificates
}

// Register adds the flags to fs.
func Register(fs *flag.FlagSet) *Flags {
	f := &Flags{}
	fs.StringVar(&f.Device, "device", os.Getenv("SMARTCAM_DEVICE"), "`directory` with device.json, certificate.pem and private.key: credentials from AWS IoT ($SMARTCAM_DEVICE); without it the usual AWS credentials are used")
	fs.StringVar(&f.Region, "region", "", "AWS `region` ($AWS_REGION)")
	fs.StringVar(&f.Endpoint, "endpoint", "", "`URL` of the Kinesis Video control plane, for a stand-in ($AWS_ENDPOINT_URL)")
	fs.StringVar(&f.CA, "ca", "", "PEM `file` of root certificates to trust ($AWS_CA_BUNDLE)")
	return f
}

// Load returns the AWS configuration, the thing's name if the flags name a
// device, and a function to call at the end.
func (f *Flags) Load(ctx context.Context) (cfg aws.Config, thing string, stop func(), err error) {
	stop = func() {}
	var options []func(*config.LoadOptions) error
	if f.Region != "" {
		options = append(options, config.WithRegion(f.Region))
	}
	pool, err := f.roots()
	if err != nil {
		return cfg, "", stop, err
	}
	if pool != nil {
		options = append(options, config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.TLSClientConfig.RootCAs = pool
		})))
	}
	if cfg, err = config.LoadDefaultConfig(ctx, options...); err != nil {
		return cfg, "", stop, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	if f.Endpoint != "" {
		cfg.BaseEndpoint = aws.String(f.Endpoint)
	}
	if f.Device == "" {
		return cfg, "", stop, nil
	}
	device, err := iotcreds.LoadConfig(f.Device)
	if err != nil {
		return cfg, "", stop, err
	}
	if device.RootCAs == nil {
		device.RootCAs = pool
	}
	provider, err := iotcreds.New(device)
	if err != nil {
		return cfg, "", stop, err
	}
	cfg.Credentials = provider
	return cfg, device.ThingName, func() { provider.Close() }, nil
}

// roots returns the system's roots and those of the CA file, nil without one.
func (f *Flags) roots() (*x509.CertPool, error) {
	file := cmp.Or(f.CA, os.Getenv("AWS_CA_BUNDLE"))
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading root certificates: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading root certificates: no certificate in %s", file)
	}
	return pool, nil
}
