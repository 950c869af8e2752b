package signaling

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// Config says which channel to use and as whom. AWS and Channel are required;
// every other zero field has the default that it documents. A Config is copied
// by the functions that take it and may be reused.
type Config struct {
	// AWS holds Region and Credentials (both required) and, optionally,
	// BaseEndpoint (the control plane's URL, for a VPC endpoint or a stand-in),
	// HTTPClient, Retryer and ConfigSources (dual-stack and FIPS, as
	// config.LoadDefaultConfig fills it in). HTTPClient also opens the
	// WebSocket, so it must speak HTTP/1.1; its overall timeout must be zero.
	AWS aws.Config

	// Channel is the channel's name or its ARN. An ARN saves one control-plane call.
	Channel string

	// DualStack asks for endpoints with IPv6 and IPv4 (hosts under api.aws).
	DualStack bool

	// FIPS asks for endpoints validated to FIPS 140.
	FIPS bool

	// Create, if not nil, lets a master create the channel, with these
	// settings, when it does not exist. Channel must then be a name.
	Create *ChannelSettings

	// Storage is set for a channel with media storage (WebRTC ingestion), where
	// master and viewers meet the storage service instead of each other. It
	// enables [Client.JoinStorage].
	Storage bool

	// Cache keeps the channel's endpoints. Nil means in memory, for the life of
	// the Client. With [FileCache] a device that wakes from sleep connects
	// without a control-plane call.
	Cache Cache

	// States, if not nil, is told of every change of the connection and of each
	// failed attempt. A send never blocks: what a full channel cannot take is lost.
	States chan<- State

	// Logger gets the connection's story: Info for connects; Warn for trouble, each new
	// reason at once and repeats after 1, 2, 4 minutes and so on, up to an hour, with
	// their number; Error once when the client ends for a permanent reason after it was
	// connected, before which dialing returns the reason; Debug for messages (kind and
	// peer only) and for all repeats. Nil means slog.Default.
	Logger *slog.Logger
}

// State is what the connection to the service is like at one moment.
type State struct {
	// Online tells whether messages can be sent and received.
	Online bool

	// Err is why the client is offline, or why the last attempt to connect
	// failed; nil when online. It satisfies errors.Is with [ErrCompeting] when
	// another client may keep taking this one's place.
	Err error

	// Attempt counts the failed attempts since the client was last online.
	Attempt int

	// Retry is the time until the next attempt.
	Retry time.Duration

	// Time is when the state was entered.
	Time time.Time
}

// ChannelSettings are the properties of a channel that its creator chooses.
type ChannelSettings struct {
	// MessageTTL is how long the service keeps a message for a peer that is not
	// connected: 5 s to 120 s. Zero means the service's default, 60 s.
	MessageTTL time.Duration

	// Tags are attached to a new channel, at most 50.
	Tags map[string]string
}

// ConfigError is the permanent error of a [Config] that cannot work.
type ConfigError struct {
	Field  string // such as "AWS.Region"
	Reason string // what is wrong and what is expected
}

// Error returns the field and what is wrong with it.
func (e *ConfigError) Error() string { return "signaling: " + e.Field + " " + e.Reason }

// Forms from the API reference of CreateSignalingChannel and ConnectAsViewer.
var (
	channelName = form{regexp.MustCompile(`^[A-Za-z0-9_.-]+$`), 256}
	clientName  = channelName
	channelARN  = form{regexp.MustCompile(`^arn:[a-z0-9-]+:kinesisvideo:[a-z0-9-]+:[0-9]+:channel/[A-Za-z0-9_.-]+/[0-9]+$`), 1024}
)

// form is what a name must look like. Its length is apart from the expression,
// which would take a hundred kilobytes of memory with it.
type form struct {
	chars *regexp.Regexp
	most  int // bytes
}

// MatchString reports whether s has the form.
func (f form) MatchString(s string) bool { return len(s) <= f.most && f.chars.MatchString(s) }

// Validate reports whether the configuration can work, as far as that can be known
// without the network. Its error is a [*ConfigError]. A zero Config is not valid.
func (cfg Config) Validate() error {
	a, err := newAccess(cfg, Master, "")
	if err == nil {
		a.api.Close()
	}
	return err
}

// check validates cfg, completes Region from a channel ARN and sets defaults.
func (cfg *Config) check() error {
	switch {
	case cfg.Channel == "":
		return &ConfigError{"Channel", "is empty: give the channel's name or ARN"}
	case strings.HasPrefix(cfg.Channel, "arn:"):
		if !channelARN.MatchString(cfg.Channel) {
			return &ConfigError{"Channel", fmt.Sprintf("%q is not the ARN of a signaling channel", cfg.Channel)}
		}
		a, err := arn.Parse(cfg.Channel)
		if err != nil {
			return &ConfigError{"Channel", err.Error()}
		}
		if cfg.AWS.Region == "" {
			cfg.AWS.Region = a.Region
		}
		if cfg.AWS.Region != a.Region {
			return &ConfigError{"AWS.Region", fmt.Sprintf("is %q but the channel is in %q", cfg.AWS.Region, a.Region)}
		}
		if cfg.Create != nil {
			return &ConfigError{"Create", "needs Channel to be a name, it is an ARN"}
		}
	case !channelName.MatchString(cfg.Channel):
		return &ConfigError{"Channel", fmt.Sprintf("%q is not a channel name: 1 to 256 of A-Z a-z 0-9 _ . -", cfg.Channel)}
	}
	if cfg.AWS.Region == "" {
		return &ConfigError{"AWS.Region", "is empty: give the channel's region, such as eu-west-1"}
	}
	if cfg.AWS.Credentials == nil {
		return &ConfigError{"AWS.Credentials", "is nil: give a credentials provider"}
	}
	if c := cfg.Create; c != nil {
		if err := c.check("Create"); err != nil {
			return err
		}
	}
	cfg.setDefaults()
	return nil
}

func (cfg *Config) setDefaults() {
	if cfg.Cache == nil {
		cfg.Cache = MemoryCache()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
}

func (s *ChannelSettings) check(field string) error {
	if s.MessageTTL != 0 && (s.MessageTTL < 5*time.Second || s.MessageTTL > 120*time.Second) {
		return &ConfigError{field + ".MessageTTL", fmt.Sprintf("is %v: allowed are 5s to 2m0s", s.MessageTTL)}
	}
	if len(s.Tags) > 50 {
		return &ConfigError{field + ".Tags", fmt.Sprintf("has %d entries: allowed are 50", len(s.Tags))}
	}
	return nil
}

func checkClientID(id string) error {
	if !clientName.MatchString(id) {
		return &ConfigError{"clientID", fmt.Sprintf("%q must be 1 to 256 of A-Z a-z 0-9 _ . -", id)}
	}
	if len(id) >= 4 && strings.EqualFold(id[:4], "AWS_") {
		return &ConfigError{"clientID", fmt.Sprintf("%q begins with AWS_, which is reserved", id)}
	}
	return nil
}
