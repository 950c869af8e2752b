package s3test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/internal/testing/double"
)

// Service is S3 as an http.Handler. It is safe for concurrent use.
type Service struct {
	cfg      Config
	core     *double.Core
	store    *store
	verifier awsapitest.Verifier
	handler  http.Handler

	mu      sync.Mutex
	lost    map[string]int    // answers to come that are lost, by API
	others  map[string]*other // that answer calls, likewise
	pending int               // events that Notify has not taken
}

// Object is an object of a bucket.
type Object struct {
	Key         string
	ContentType string
	Metadata    map[string]string // names in lower case
	Data        []byte
	ETag        string    // with its quotes
	Modified    time.Time // by the service's clock
}

// New returns a service with the buckets that Config.Dir holds. It starts nothing: serve it,
// and Close it. The error is of Config.Dir.
func New(cfg Config) (*Service, error) {
	cfg.setDefaults()
	s := &Service{cfg: cfg, core: double.New("s3test", cfg.Logger), lost: map[string]int{}, others: map[string]*other{}}
	var err error
	if s.store, err = openStore(cfg.Dir, cfg.Limits.Objects, s.core.Now); err != nil {
		return nil, fmt.Errorf("s3test: %w", err)
	}
	s.verifier = awsapitest.Verifier{
		Region: cfg.Region, Service: "s3", S3: true, Now: s.core.Now,
		Credentials: func(key string) (awsapitest.Identity, bool) {
			id, ok := cfg.Credentials(key)
			return awsapitest.Identity(id), ok
		},
	}
	s.handler = s.core.Handler(http.HandlerFunc(s.serve))
	return s, nil
}

// bucketName is what names have in common with those of S3.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// AddBucket makes a bucket, and tells Config.Notify of it. One of that name that exists
// already gets the configuration. The error is of the name or of Config.Dir.
func (s *Service) AddBucket(name string, cfg BucketConfig) error {
	if !bucketName.MatchString(name) || strings.Contains(name, "..") {
		return fmt.Errorf("s3test: the bucket name %q is not 3 to 63 of a-z 0-9 . - without .. and with a letter or digit at both ends", name)
	}
	if cfg.Region == "" {
		cfg.Region = s.cfg.Region
	}
	isNew, err := s.store.addBucket(name, cfg)
	if err != nil {
		return fmt.Errorf("s3test: %w", err)
	}
	if isNew {
		s.notify(s.testEvent(name), name, "")
	}
	return nil
}

// Objects returns the objects of a bucket by their keys, ascending.
func (s *Service) Objects(bucket string) []Object {
	var list []Object
	for _, o := range s.store.list(bucket) {
		if got, ok := s.Object(bucket, o.Key); ok { // else it was deleted meanwhile
			list = append(list, got)
		}
	}
	return list
}

// Object returns the object under a key, if there is one that can be read.
func (s *Service) Object(bucket, key string) (Object, bool) {
	o, err := s.store.get(bucket, key)
	if err != nil {
		return Object{}, false
	}
	data, err := o.read()
	return Object{o.Key, o.ContentType, o.Metadata, data, o.ETag, o.Modified}, err == nil
}

// Deliver puts an object as another service of AWS does on behalf of a principal, whose
// policy must allow it. ETag and Modified are made. The error is the refusal.
func (s *Service) Deliver(principal, bucket string, o Object) error {
	err := s.deliver(principal, bucket, o)
	e := double.Event{Name: "Deliver", On: bucket, Part: o.Key}
	if err != nil {
		e.Detail = err.Error()
	}
	s.core.Note(e)
	var refused *awsapitest.Error
	if errors.As(err, &refused) {
		return &Error{refused.Status, refused.Name, refused.Message}
	}
	return err
}

func (s *Service) deliver(principal, bucket string, o Object) error {
	if s.core.Down() {
		return errors.New("s3test: there is an outage")
	}
	if err := s.core.Call(s.core.Context(), "Deliver"); err != nil {
		return err
	}
	b := s.store.bucket(bucket)
	switch {
	case b == nil:
		return noSuchBucket()
	case !s.allows(principal, "PutObject", bucket, o.Key):
		return accessDenied()
	}
	_, err := s.put(bucket, &object{Key: o.Key, ContentType: o.ContentType, Metadata: o.Metadata}, o.Data, nil)
	return err
}

// allows reports whether a principal may do something.
func (s *Service) allows(principal, action, bucket, key string) bool {
	return s.cfg.Authorize == nil || s.cfg.Authorize(Access{principal, action, bucket, key}) == nil
}

// Close ends all requests and waits until nothing of the service is left running, five
// seconds at the longest. The error, which is logged at level Warn too, names what hangs
// still. Later requests are cut off.
func (s *Service) Close() error { return s.core.Close() }

// ServeHTTP serves one call.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Handles reports whether a request is one for this service, for a handler that serves
// others beside it on one listener: it is signed for S3, or of a bucket that exists.
func (s *Service) Handles(r *http.Request) bool {
	signed := r.Header.Get("Authorization")
	if signed == "" {
		signed = awsapitest.Param(r, "X-Amz-Credential")
	}
	if strings.Contains(signed, "/aws4_request") {
		return strings.Contains(signed, "/s3/aws4_request")
	}
	bucket, _ := s.place(r)
	return s.store.bucket(bucket) != nil
}

// place returns the bucket and the key that a request names, by its host or by its path.
func (s *Service) place(r *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	if name, rest, ok := strings.Cut(r.Host, ".s3."); ok && strings.Contains(rest, ".") {
		return name, path
	}
	bucket, key, _ = strings.Cut(path, "/")
	return bucket, key
}
