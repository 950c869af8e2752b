package kvsmediatest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

// maxBody bounds the body of a call other than PutMedia, in bytes.
const maxBody = 1 << 20

// The key that a Service knows if Config.Credentials is nil.
const (
	staticKey    = "AKIDEXAMPLE"
	staticSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

// Forms from the API reference.
var (
	namePattern = form{regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`), 256}
	arnPattern  = form{regexp.MustCompile(`^arn:[a-z\d-]+:kinesisvideo:[a-z0-9-]+:[0-9]+:stream/[a-zA-Z0-9_.-]+/[0-9]+$`), 1024}
)

// form is what a name must look like. Its length is apart from the expression,
// which would take a hundred kilobytes of memory with it.
type form struct {
	chars *regexp.Regexp
	most  int // bytes
}

// MatchString reports whether s has the form.
func (f form) MatchString(s string) bool { return len(s) <= f.most && f.chars.MatchString(s) }

// Service is Kinesis Video Streams as an http.Handler: control plane, PutMedia,
// the archive and the URLs of playback, on whatever host they are asked for. It
// is safe for concurrent use.
//
// The http.Server that it is given to must offer HTTP/1.1 alone and have no read
// or write timeout.
type Service struct {
	cfg      Config
	verifier awsapitest.Verifier
	limiter  awsapitest.Limiter
	handler  http.Handler
	log      *slog.Logger

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup // requests, images, notifications

	decoders chan struct{} // holds one for each ffmpeg that runs

	mu       sync.Mutex
	closed   bool
	streams  map[string]*stream // by name
	calls    map[string]int     // by API
	events   []Event
	changed  chan struct{} // closed and replaced at each event
	refusals map[string]*refusal
	delays   map[string]time.Duration
	faults   []*pendingFault
	outage   bool

	readFaults []ReadFault
	jobs       int // fragments that wait for their images
	skew       time.Duration
}

// New returns a service with the streams that Config.Dir holds. It starts
// nothing. The error is of Config.Dir.
func New(cfg Config) (*Service, error) {
	if cfg.Region == "" {
		cfg.Region = "us-west-2"
	}
	if cfg.Account == "" {
		cfg.Account = "123456789012"
	}
	if cfg.Credentials == nil {
		cfg.Credentials = func(key string) (Identity, bool) {
			return Identity{SecretAccessKey: staticSecret, Principal: "test"}, key == staticKey
		}
	}
	cfg.Limits.apply()
	cfg.Timing.setDefaults()
	cfg.Variants.setDefaults()
	s := &Service{
		cfg: cfg, log: cfg.Logger, streams: map[string]*stream{}, calls: map[string]int{},
		decoders: make(chan struct{}, 2), changed: make(chan struct{}), refusals: map[string]*refusal{}, delays: map[string]time.Duration{},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	find := cfg.Credentials
	s.verifier = awsapitest.Verifier{
		Region: cfg.Region, Service: "kinesisvideo", Now: s.now,
		Credentials: func(key string) (awsapitest.Identity, bool) {
			id, ok := find(key)
			return awsapitest.Identity(id), ok
		},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.handler = awsapitest.AllowOrigins(http.HandlerFunc(s.serve))
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("kvsmediatest: %w", err)
	}
	return s, nil
}

// Close ends all connections and waits until nothing of the service is left
// running. Later requests are dropped.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.wg.Wait()
}

// now is the service's clock, as Skew sets it.
func (s *Service) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nowLocked()
}

func (s *Service) nowLocked() time.Time { return time.Now().Add(s.skew) }

// ServeHTTP serves one call.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.closed || s.outage {
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	s.wg.Add(1)
	s.mu.Unlock()
	defer s.wg.Done()
	defer s.breakOff(w)()
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	s.handler.ServeHTTP(w, r)
}

// breakOff lets reading and writing end when the service does, until the function
// that it returns is called.
func (s *Service) breakOff(w http.ResponseWriter) (end func()) {
	control, done := http.NewResponseController(w), make(chan struct{})
	stop := context.AfterFunc(s.ctx, func() {
		defer close(done)
		_ = control.SetReadDeadline(time.Now()) // a writer without deadlines does without
		_ = control.SetWriteDeadline(time.Now())
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}

// Handles reports whether a request is one for this service, for a handler that
// serves others beside it on one listener.
func Handles(r *http.Request) bool {
	_, plays := playbacks[r.URL.Path]
	return plays || operations[r.URL.Path] != nil || r.URL.Path == putMediaPath
}

// operation is one call of the API.
type operation struct {
	name     string
	denied   string // exception; NotAuthorizedException if empty
	response bool   // run writes the response itself, once it has not failed
	run      func(*Service, *call) (any, error)
}

// operations are the calls by path, but PutMedia.
var operations map[string]*operation

func init() {
	operations = map[string]*operation{}
	add := func(path, name string, run func(*Service, *call) (any, error)) *operation {
		op := &operation{name: name, run: run}
		operations[path] = op
		return op
	}
	add("/createStream", "CreateStream", (*Service).createStream)
	add("/describeStream", "DescribeStream", (*Service).describeStream)
	add("/listStreams", "ListStreams", (*Service).listStreams)
	add("/updateStream", "UpdateStream", (*Service).updateStream)
	add("/deleteStream", "DeleteStream", (*Service).deleteStream)
	add("/updateDataRetention", "UpdateDataRetention", (*Service).updateRetention)
	add("/getDataEndpoint", "GetDataEndpoint", (*Service).dataEndpoint)
	add("/tagStream", "TagStream", (*Service).tagStream)
	add("/untagStream", "UntagStream", (*Service).untagStream)
	add("/listTagsForStream", "ListTagsForStream", (*Service).listTags)
	for path, op := range map[string]operation{
		"/describeImageGenerationConfiguration": {name: "DescribeImageGenerationConfiguration", run: (*Service).describeImages},
		"/updateImageGenerationConfiguration":   {name: "UpdateImageGenerationConfiguration", run: (*Service).updateImages},
		"/describeNotificationConfiguration":    {name: "DescribeNotificationConfiguration", run: (*Service).describeNotifications},
		"/updateNotificationConfiguration":      {name: "UpdateNotificationConfiguration", run: (*Service).updateNotifications},
	} {
		add(path, op.name, op.run).denied = "AccessDeniedException"
	}
	add("/getImages", "GetImages", (*Service).getImages)
	add("/listFragments", "ListFragments", (*Service).listFragments)
	add("/getMedia", "GetMedia", (*Service).getMedia).response = true
	add("/getHLSStreamingSessionURL", "GetHLSStreamingSessionURL", (*Service).hlsURL)
	add("/getDASHStreamingSessionURL", "GetDASHStreamingSessionURL", (*Service).dashURL)
	add("/getClip", "GetClip", (*Service).getClip).response = true
	add("/getMediaForFragmentList", "GetMediaForFragmentList", (*Service).getFragmentList).response = true
}

// call is one request under way.
type call struct {
	svc       *Service
	op        *operation
	w         http.ResponseWriter
	request   *http.Request
	body      []byte
	principal string
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost && r.URL.Path == putMediaPath {
		s.putMedia(w, r)
		return
	}
	if p, ok := playbacks[r.URL.Path]; ok && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		s.play(w, r, p)
		return
	}
	op := operations[r.URL.Path]
	if op == nil || r.Method != http.MethodPost {
		(&awsapitest.Error{Status: http.StatusNotFound, Name: "UnknownOperationException",
			Message: "No operation " + r.Method + " " + r.URL.Path}).Write(w)
		return
	}
	reply, err := s.perform(op, w, r)
	if err != nil {
		s.refuse(w, op.name, err)
		return
	}
	if !op.response {
		awsapitest.WriteJSON(w, reply)
	}
}

func (s *Service) perform(op *operation, w http.ResponseWriter, r *http.Request) (any, error) {
	if err := s.fault(op.name, r); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(body) > maxBody {
		return nil, invalid("The request body is broken or longer than %d bytes.", maxBody)
	}
	caller, err := s.verifier.Verify(r, body)
	if err != nil {
		return nil, err
	}
	return op.run(s, &call{s, op, w, r, body, caller.Principal})
}

func (c *call) decode(v any) error { return awsapitest.Decode(c.body, v) }

// named is what calls name a stream by.
type named struct{ StreamName, StreamARN string }

// stream returns the stream that a call names by name or by ARN, once the
// principal's right and the rate are checked. With an ARN it is that very stream,
// not a later one of the same name.
func (c *call) stream(n named) (*stream, error) {
	s := c.svc
	name := n.StreamName
	switch {
	case n.StreamName != "" && n.StreamARN != "":
		return nil, invalid("Either StreamName or StreamARN is to be given, not both.")
	case n.StreamARN != "":
		if !arnPattern.MatchString(n.StreamARN) || !strings.HasPrefix(n.StreamARN, s.arnPrefix()) {
			return nil, invalid("StreamARN must be the ARN of a stream of this account and region.")
		}
		name = strings.Split(n.StreamARN, "/")[1]
	case name == "":
		return nil, invalid("Either StreamName or StreamARN must be given.")
	case !namePattern.MatchString(name):
		return nil, invalid("StreamName must match [a-zA-Z0-9_.-]{1,256}.")
	}
	if err := c.allow(Access{c.principal, c.op.name, name, n.StreamARN}); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.streams[name]
	if st == nil || n.StreamARN != "" && n.StreamARN != st.ARN {
		return nil, notFound("The requested stream %s is not found or not active.", name)
	}
	return st, nil
}

// allow checks the principal's right and the rates of the account and stream.
func (c *call) allow(a Access) error {
	if f := c.svc.cfg.Authorize; f != nil {
		if err := f(a); err != nil {
			return c.svc.denied(c.op, a)
		}
	}
	return c.svc.pace(c.op.name, a.Stream)
}

// pace holds the calls of an API to their rates.
func (s *Service) pace(api, stream string) error {
	rate := s.cfg.Limits.rate(api)
	if stream != "" && !s.limiter.Allow(api+"/"+stream, rate.Stream) {
		return tooMany("The rate of %d %s calls per second of this stream is exceeded.", rate.Stream, api)
	}
	if !s.limiter.Allow(api, rate.Account) {
		return tooMany("The rate of %d %s calls per second of this account is exceeded.", rate.Account, api)
	}
	return nil
}

func (s *Service) arnPrefix() string {
	return fmt.Sprintf("arn:aws:kinesisvideo:%s:%s:stream/", s.cfg.Region, s.cfg.Account)
}

func newVersion() string { return rand.Text()[:20] }
