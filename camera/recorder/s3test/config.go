package s3test

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

// Config says what the stand-in service is like. Every zero field has the default that it
// documents. It is copied by the functions that take it.
type Config struct {
	Region  string // of the endpoint, and required of signatures; "us-west-2"
	Account string // whose the buckets are; "123456789012"

	// Dir keeps buckets and objects, and the authority of [NewServer], over a restart. It
	// is created if need be. Empty keeps everything in memory.
	Dir string

	// Credentials finds the identity of an access key. Nil knows one static key, which
	// [Server.AWS] uses. It must be safe for concurrent use.
	Credentials func(accessKeyID string) (Identity, bool)

	// Authorize returns an error for what a principal may not do. Nil allows everything.
	// It must be safe for concurrent use.
	Authorize func(Access) error

	// Notify takes the events of objects, each a message of JSON as S3 sends it. One that
	// it fails to take comes again, after a second to a minute, until Close. It must be
	// safe for concurrent use. Nil drops them.
	Notify func(message []byte) error

	Limits Limits

	// Addr is the TCP address at which [NewServer] listens. Empty means a free port of
	// 127.0.0.1.
	Addr string

	// Logger is told of every call at level Debug, and of what hangs in Close at level
	// Warn; nil discards.
	Logger *slog.Logger
}

// BucketConfig describes a bucket to add.
type BucketConfig struct {
	// Region is where the bucket is. In another one than the service's it is of no use but
	// to see what S3 answers then. Empty means the service's.
	Region string

	// Origins are those whose pages may call the bucket from a browser (CORS), such as
	// "https://app.example.com"; "*" stands for all. None, as in S3, means that pages can
	// show its pictures and read none.
	Origins []string
}

// Identity is what the service knows about an access key.
type Identity struct {
	SecretAccessKey string
	SessionToken    string    // empty for long-term keys
	Principal       string    // who it is: handed to Config.Authorize
	Expires         time.Time // the zero Time means never
}

// Access is what a principal asks to do.
type Access struct {
	Principal string
	Action    string // of a policy, without "s3:": PutObject, GetObject, DeleteObject, ListBucket
	Bucket    string
	Key       string // empty for ListBucket
}

// Limits are what the service holds. For each number zero means the default and a negative
// number no limit.
type Limits struct {
	Objects     int // of a bucket; 100000. S3 has no such limit: more is answered with ServiceUnavailable
	ObjectBytes int // 64e6. S3 takes 5 GiB at once
	Pending     int // events that Notify has not taken; 1000. More are dropped, and noted
}

func (c *Config) setDefaults() {
	c.Region = cmp.Or(c.Region, awsapitest.Region)
	c.Account = cmp.Or(c.Account, awsapitest.Account)
	if c.Credentials == nil {
		c.Credentials = func(key string) (Identity, bool) {
			id, ok := awsapitest.StaticKey(key)
			return Identity(id), ok
		}
	}
	l := &c.Limits
	l.Objects = awsapitest.Quota(false, l.Objects, 100_000)
	l.ObjectBytes = awsapitest.Quota(false, l.ObjectBytes, 64_000_000)
	l.Pending = awsapitest.Quota(false, l.Pending, 1000)
}
