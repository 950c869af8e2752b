package signalingtest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

// maxBody bounds the body of a call, in bytes.
const maxBody = 1 << 20

// The key that a Service knows if Config.Credentials is nil.
const (
	staticKey    = "AKIDEXAMPLE"
	staticSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

// Service is the signaling service as an http.Handler: control plane, channel
// endpoints and WebSockets on whatever host and path they are asked for. It is
// safe for concurrent use.
type Service struct {
	cfg      Config
	verifier awsapitest.Verifier
	limiter  awsapitest.Limiter
	handler  http.Handler
	log      *slog.Logger

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup // requests, connections, storage sessions

	mu       sync.Mutex
	closed   bool
	channels map[string]*channel // by name
	calls    map[string]int      // by API
	events   []Event
	changed  chan struct{} // closed and replaced at each event
	refusals map[string]*refusal
	delays   map[string]time.Duration
	outage   bool
	skew     time.Duration
}

// New returns a service without channels. It starts nothing.
func New(cfg Config) *Service {
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
	if cfg.TURN == nil {
		cfg.TURN = inventTURN
	}
	cfg.Timing.setDefaults()
	cfg.Variants.setDefaults()
	s := &Service{
		cfg: cfg, log: cfg.Logger, channels: map[string]*channel{}, calls: map[string]int{},
		changed: make(chan struct{}), refusals: map[string]*refusal{}, delays: map[string]time.Duration{},
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
	return s
}

// Close ends all connections and waits until nothing of the service is left
// running. Later requests are dropped.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	for _, ch := range s.channels {
		for _, c := range ch.connections() {
			c.finish(0, "the service ends")
		}
	}
	s.mu.Unlock()
	s.cancel()
	s.wg.Wait()
}

// now is the service's clock, as Skew sets it.
func (s *Service) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Add(s.skew)
}

// ServeHTTP serves one call or one WebSocket connection.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.closed || s.outage {
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	s.wg.Add(1)
	s.mu.Unlock()
	defer s.wg.Done()
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	s.handler.ServeHTTP(w, r)
}

// operation is one call of the API.
type operation struct {
	name         string
	deniedStatus int
	deniedName   string
	lowerKey     bool // errors say "message"
	socket       bool // a WebSocket upgrade
	run          func(*Service, *call) (any, error)
}

// operations are the calls by path.
var operations = func() map[string]*operation {
	ops := map[string]*operation{}
	add := func(path, name string, status int, deniedName string, run func(*Service, *call) (any, error)) {
		ops[path] = &operation{name: name, deniedStatus: status, deniedName: deniedName, run: run}
	}
	control := func(path, name string, run func(*Service, *call) (any, error)) {
		add(path, name, http.StatusUnauthorized, "AccessDeniedException", run)
	}
	control("/createSignalingChannel", "CreateSignalingChannel", (*Service).create)
	control("/describeSignalingChannel", "DescribeSignalingChannel", (*Service).describe)
	control("/getSignalingChannelEndpoint", "GetSignalingChannelEndpoint", (*Service).endpoint)
	control("/updateSignalingChannel", "UpdateSignalingChannel", (*Service).update)
	control("/deleteSignalingChannel", "DeleteSignalingChannel", (*Service).delete)
	control("/listSignalingChannels", "ListSignalingChannels", (*Service).list)
	control("/describeMediaStorageConfiguration", "DescribeMediaStorageConfiguration", (*Service).describeStorage)
	control("/updateMediaStorageConfiguration", "UpdateMediaStorageConfiguration", (*Service).updateStorage)
	control("/TagResource", "TagResource", (*Service).tag)
	control("/UntagResource", "UntagResource", (*Service).untag)
	control("/ListTagsForResource", "ListTagsForResource", (*Service).listTags)
	add("/v1/get-ice-server-config", "GetIceServerConfig", http.StatusUnauthorized, "NotAuthorizedException", (*Service).iceServers)
	add("/v1/send-alexa-offer-to-master", "SendAlexaOfferToMaster", http.StatusUnauthorized, "NotAuthorizedException", (*Service).alexaOffer)
	add("/joinStorageSession", "JoinStorageSession", http.StatusForbidden, "AccessDeniedException", (*Service).joinStorage)
	add("/joinStorageSessionAsViewer", "JoinStorageSessionAsViewer", http.StatusForbidden, "AccessDeniedException", (*Service).joinStorageAsViewer)
	ops["/joinStorageSession"].lowerKey = true
	ops["/joinStorageSessionAsViewer"].lowerKey = true
	return ops
}()

var (
	connectAsMaster = &operation{name: "ConnectAsMaster", deniedStatus: http.StatusForbidden, deniedName: "AccessDeniedException", socket: true}
	connectAsViewer = &operation{name: "ConnectAsViewer", deniedStatus: http.StatusForbidden, deniedName: "AccessDeniedException", socket: true}
)

// call is one request under way.
type call struct {
	svc       *Service
	op        *operation
	request   *http.Request
	body      []byte
	principal string
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		s.serveSocket(w, r)
		return
	}
	op := operations[r.URL.Path]
	if op == nil || r.Method != http.MethodPost {
		(&awsapitest.Error{Status: http.StatusNotFound, Name: "UnknownOperationException",
			Message: "No operation " + r.Method + " " + r.URL.Path}).Write(w)
		return
	}
	reply, err := s.perform(op, r)
	if err != nil {
		s.note(Event{Name: op.name, Detail: err.Error()})
		s.writeError(w, op, err)
		return
	}
	awsapitest.WriteJSON(w, reply)
}

func (s *Service) perform(op *operation, r *http.Request) (any, error) {
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
	return op.run(s, &call{s, op, r, body, caller.Principal})
}

func (c *call) decode(v any) error { return awsapitest.Decode(c.body, v) }

// target is a channel that a call names and may act on.
type target struct{ name, arn string }

// target checks the channel that a call names by name or by ARN, the
// principal's right and the rate. arnOnly is for calls without ChannelName.
func (c *call) target(name, arn, clientID string) (target, error) {
	s := c.svc
	switch {
	case arn != "":
		if !s.ownARN(arn) {
			return target{}, invalid("ChannelARN must be the ARN of a signaling channel of this account and region.")
		}
		name = strings.Split(arn, "/")[1]
	case name == "":
		return target{}, invalid("The channel's name or ARN is missing.")
	case !namePattern.MatchString(name):
		return target{}, invalid("ChannelName must match [a-zA-Z0-9_.-]{1,256}.")
	}
	if err := c.allow(Access{c.principal, c.op.name, name, arn, clientID}); err != nil {
		return target{}, err
	}
	return target{name, arn}, nil
}

// allow checks the principal's right and the rates of the account and channel.
func (c *call) allow(a Access) error {
	if f := c.svc.cfg.Authorize; f != nil {
		if err := f(a); err != nil {
			return denied(c.op, a)
		}
	}
	rate := c.svc.cfg.Limits.rate(c.op.name)
	if a.Channel != "" && !c.svc.limiter.Allow(c.op.name+"/"+a.Channel, rate.Channel) {
		return tooMany("The rate of %d %s calls per second of this channel is exceeded.", rate.Channel, c.op.name)
	}
	if !c.svc.limiter.Allow(c.op.name, rate.Account) {
		return tooMany("The rate of %d %s calls per second of this account is exceeded.", rate.Account, c.op.name)
	}
	return nil
}

// ownARN reports whether arn is one that this service could have given.
func (s *Service) ownARN(arn string) bool {
	return arnPattern.MatchString(arn) && strings.HasPrefix(arn, s.arnPrefix())
}

func (s *Service) arnPrefix() string {
	return fmt.Sprintf("arn:aws:kinesisvideo:%s:%s:channel/", s.cfg.Region, s.cfg.Account)
}

func newVersion() string { return rand.Text()[:20] }
