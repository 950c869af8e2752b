package awsapitest

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Identity is what a service knows about an access key.
type Identity struct {
	SecretAccessKey string
	SessionToken    string    // empty for long-term keys
	Principal       string    // who it is, such as an ARN or the name of a thing
	Expires         time.Time // the zero Time means never
}

// What a double is by default.
const (
	Region  = "us-west-2"
	Account = "123456789012"
)

// The key that a double knows if it is given no others: the one of AWS's examples.
const (
	staticKey    = "AKIDEXAMPLE"
	staticSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

// StaticKey is [Credentials] that know one key.
func StaticKey(accessKeyID string) (Identity, bool) {
	return Identity{SecretAccessKey: staticSecret, Principal: "test"}, accessKeyID == staticKey
}

// StaticAWS returns a configuration with that key for the double at url, which client
// reaches.
func StaticAWS(region, url string, client *http.Client) aws.Config {
	return aws.Config{
		Region:       region,
		BaseEndpoint: aws.String(url),
		HTTPClient:   client,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: staticKey, SecretAccessKey: staticSecret, Source: "double"}, nil
		}),
	}
}

// Credentials finds the identity of an access key. It must be safe for
// concurrent use.
type Credentials func(accessKeyID string) (Identity, bool)
