package signalingtest

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

// Config says what the stand-in service is like. Every zero field has the
// default that it documents; the zero Config behaves as the documented service
// does. It is copied by the functions that take it.
type Config struct {
	Region  string // required of signatures and put into ARNs; "us-west-2"
	Account string // put into ARNs; "123456789012"

	// Dir keeps the channels, and the authority of [NewServer], over a restart. It is
	// created if need be. Empty keeps everything in memory.
	Dir string

	// Endpoints are the URLs that GetSignalingChannelEndpoint returns. An empty
	// one leads to the host that the call was made to.
	Endpoints Endpoints

	// Credentials finds the identity of an access key. Nil knows one static
	// key, which [Server.AWS] uses. It must be safe for concurrent use.
	Credentials func(accessKeyID string) (Identity, bool)

	// Authorize returns an error for what a principal may not do. Nil allows
	// everything. It must be safe for concurrent use.
	Authorize func(Access) error

	// TURN returns the servers for a channel, with credentials that end at
	// expires. Nil invents two servers in AWS's form at an address where
	// nothing answers. It must be safe for concurrent use.
	TURN func(channelARN string, expires time.Time) []ICEServer

	// Storage plays the storage service's peer: it is called in a goroutine of
	// its own for each accepted JoinStorageSession or
	// JoinStorageSessionAsViewer, and must return when ctx ends. Nil accepts
	// the calls and sends no offer.
	Storage func(ctx context.Context, s *StorageSession)

	// Passed, if not nil, sees the payload of each offer, answer and candidate before
	// it is handed on. It must be safe for concurrent use.
	Passed func(channelARN string, payload []byte)

	Limits   Limits
	Timing   Timing
	Variants Variants

	// Addr is the TCP address at which [NewServer] listens. Empty means a free port of
	// 127.0.0.1.
	Addr string

	// Logger is told of every call and message at level Debug, and of what hangs in
	// Close at level Warn; nil discards.
	Logger *slog.Logger
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
	if c.TURN == nil {
		c.TURN = inventTURN
	}
	c.Timing.setDefaults()
	c.Variants.setDefaults()
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
	Principal  string
	Action     string // API name, such as "DescribeSignalingChannel" or "ConnectAsMaster"
	Channel    string // name; empty if the call names none
	ChannelARN string // empty if the call gives only the name
	ClientID   string // of a viewer; empty otherwise
}

// Endpoints are base URLs, such as "wss://127.0.0.1:8443".
type Endpoints struct {
	MasterWSS, ViewerWSS, HTTPS, WebRTC string
}

// ICEServer is an entry of GetIceServerConfig's reply.
type ICEServer struct {
	URIs     []string
	Username string
	Password string
}

// Limits are the service's quotas. For each number zero means the default
// quota of AWS and a negative number no limit.
type Limits struct {
	// Off lifts every limit of this struct.
	Off bool

	// Rates replaces the calls per second of an API, by its name.
	Rates map[string]Rate

	Channels       int // of the account; 5000
	Viewers        int // at once on a channel, departed ones for a minute included; 10
	StorageViewers int // in storage sessions of a channel at once; 3
	SDPs           int // offers and answers per second and connection; 5
	Candidates     int // per second and connection; 20
	Payload        int // bytes of a message's payload; 10000
}

// Rate is a number of calls per second: of the whole account and of one channel.
type Rate struct{ Account, Channel int }

// defaultRates are the quotas of the developer guide ("Kinesis Video Streams
// with WebRTC service quotas").
var defaultRates = map[string]Rate{
	"CreateSignalingChannel":            {50, 0},
	"DescribeSignalingChannel":          {300, 5},
	"GetSignalingChannelEndpoint":       {300, 0},
	"UpdateSignalingChannel":            {50, 5},
	"DeleteSignalingChannel":            {50, 5},
	"ListSignalingChannels":             {50, 0},
	"DescribeMediaStorageConfiguration": {50, 5},
	"UpdateMediaStorageConfiguration":   {10, 5},
	"TagResource":                       {50, 5},
	"UntagResource":                     {50, 5},
	"ListTagsForResource":               {50, 5},
	"ConnectAsMaster":                   {0, 3},
	"ConnectAsViewer":                   {0, 3},
	"GetIceServerConfig":                {100, 5},
	"SendAlexaOfferToMaster":            {100, 5},
	"JoinStorageSession":                {50, 2},
	"JoinStorageSessionAsViewer":        {50, 2},
}

// limit returns the limit to apply, 0 for none.
func (l *Limits) limit(value, standard int) int { return awsapitest.Quota(l.Off, value, standard) }

func (l *Limits) rate(api string) Rate {
	standard, own := defaultRates[api], l.Rates[api]
	return Rate{l.limit(own.Account, standard.Account), l.limit(own.Channel, standard.Channel)}
}

// Timing are the service's times. Zero means the documented default.
type Timing struct {
	Create      time.Duration // for which a new channel is CREATING; none
	Connection  time.Duration // longest life of a WebSocket; 1 h
	Grace       time.Duration // from GO_AWAY to the end of that life; 1 min
	Idle        time.Duration // without a message or ping until a WebSocket is closed; 10 min
	ViewerAlone time.Duration // that a viewer may wait for a master; 3 min
	SlotHold    time.Duration // for which a departed viewer still counts; 1 min
	ICE         time.Duration // life of TURN credentials; 300 s
	Storage     time.Duration // longest life of a storage session; 1 h
	AlexaAnswer time.Duration // that SendAlexaOfferToMaster waits for the master; 10 s
}

func (t *Timing) setDefaults() {
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&t.Connection, time.Hour}, {&t.Grace, time.Minute}, {&t.Idle, 10 * time.Minute},
		{&t.ViewerAlone, 3 * time.Minute}, {&t.SlotHold, time.Minute}, {&t.ICE, 300 * time.Second},
		{&t.Storage, time.Hour}, {&t.AlexaAnswer, 10 * time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.standard
		}
	}
}

// Variants choose between behaviours where AWS documents none and clients
// disagree. The zero value is the likelier choice in each case.
type Variants struct {
	// EncodedPayloadLimit measures Limits.Payload after base64 instead of before.
	EncodedPayloadLimit bool

	// RefuseURLSafeBase64 takes only the standard base64 alphabet, instead of both.
	RefuseURLSafeBase64 bool

	// RelayICEServerList hands the C SDK's top-level IceServerList on to the
	// recipient, instead of dropping it.
	RelayICEServerList bool

	// RefuseRepeatedCorrelationID refuses a correlation ID that the connection
	// used before, instead of not minding.
	RefuseRepeatedCorrelationID bool

	// NoSubprotocol does not answer a client's subprotocol "wss".
	NoSubprotocol bool

	// FullControlMessages fills every field of GO_AWAY and
	// RECONNECT_ICE_SERVER with an empty value, instead of sending messageType alone.
	FullControlMessages bool

	// NoUpgradeErrorBody refuses an upgrade by status and headers alone.
	NoUpgradeErrorBody bool

	// SignatureErrorInBody names signature errors in the body's __type, instead
	// of the header x-amzn-ErrorType.
	SignatureErrorInBody bool

	// StorageSender is the sender of the storage service's messages; none.
	StorageSender string

	// Close codes (RFC 6455 section 7.4.1): at the end of a connection's life
	// (1001), when idle (1001), when displaced (1000), when a viewer found no
	// master (1000).
	CloseExpired, CloseIdle, CloseDisplaced, CloseAlone int
}

func (v *Variants) setDefaults() {
	for _, c := range []struct {
		value    *int
		standard int
	}{{&v.CloseExpired, 1001}, {&v.CloseIdle, 1001}, {&v.CloseDisplaced, 1000}, {&v.CloseAlone, 1000}} {
		if *c.value == 0 {
			*c.value = c.standard
		}
	}
}
