package signalingtest

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/internal/testing/double"
)

// maxBody bounds the body of a call, in bytes.
const maxBody = 1 << 20

// Service is the signaling service as an http.Handler: control plane, channel
// endpoints and WebSockets on whatever host and path they are asked for. It is
// safe for concurrent use.
//
// The http.Server that it is given to must offer HTTP/1.1 alone and have no read
// or write timeout.
type Service struct {
	cfg      Config
	core     *double.Core
	verifier awsapitest.Verifier
	limiter  awsapitest.Limiter
	handler  http.Handler

	mu       sync.Mutex
	folder   *double.Folder      // nil without Config.Dir
	channels map[string]*channel // by name
}

// New returns a service with the channels that Config.Dir holds. It starts nothing: serve
// it, and Close it. The error is of Config.Dir.
func New(cfg Config) (*Service, error) {
	cfg.setDefaults()
	s := &Service{cfg: cfg, core: double.New("signalingtest", cfg.Logger), channels: map[string]*channel{}}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("signalingtest: %w", err)
	}
	s.verifier = awsapitest.Verifier{
		Region: cfg.Region, Service: "kinesisvideo", Now: s.core.Now,
		Credentials: func(key string) (awsapitest.Identity, bool) {
			id, ok := cfg.Credentials(key)
			return awsapitest.Identity(id), ok
		},
	}
	s.handler = s.core.Handler(awsapitest.AllowOrigins(http.HandlerFunc(s.serve)))
	return s, nil
}

// Close ends all connections and requests and waits until nothing of the service is
// left running, five seconds at the longest. The error, which is logged at level Warn
// too, names what hangs still. Later requests are cut off.
func (s *Service) Close() error {
	for _, c := range s.connections() {
		c.finish(0, "the service ends")
	}
	return s.core.Close()
}

// connections returns those of all channels.
func (s *Service) connections() []*Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*Conn
	for _, ch := range s.channels {
		all = append(all, ch.connections()...)
	}
	return all
}

// ServeHTTP serves one call or one WebSocket connection.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

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
		s.note(op.name, "", "", err.Error())
		s.writeError(w, op, err)
		return
	}
	awsapitest.WriteJSON(w, reply)
}

func (s *Service) perform(op *operation, r *http.Request) (any, error) {
	if err := s.core.Call(r.Context(), op.name); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil || len(body) > maxBody {
		return nil, awsapitest.Invalid("The request body is broken or longer than %d bytes.", maxBody)
	}
	caller, err := s.verify(r, body)
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
			return target{}, awsapitest.Invalid("ChannelARN must be the ARN of a signaling channel of this account and region.")
		}
		name = strings.Split(arn, "/")[1]
	case name == "":
		return target{}, awsapitest.Invalid("The channel's name or ARN is missing.")
	case !namePattern.MatchString(name):
		return target{}, awsapitest.Invalid("ChannelName must match [a-zA-Z0-9_.-]{1,256}.")
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
	return c.svc.limiter.Pace(c.op.name, "channel", a.Channel, rate.Channel, rate.Account)
}

// ownARN reports whether arn is one that this service could have given.
func (s *Service) ownARN(arn string) bool {
	return arnPattern.MatchString(arn) && strings.HasPrefix(arn, s.arnPrefix())
}

func (s *Service) arnPrefix() string {
	return fmt.Sprintf("arn:aws:kinesisvideo:%s:%s:channel/", s.cfg.Region, s.cfg.Account)
}

func newVersion() string { return rand.Text()[:20] }
