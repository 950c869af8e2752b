package signaling

import (
	"context"
	"fmt"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

// Role is as what a client connects to a channel.
type Role uint8

// The roles.
const (
	Master Role = iota // the camera: one per channel
	Viewer             // one of many, each with its client ID
)

// String returns "MASTER" or "VIEWER".
func (r Role) String() string {
	if r == Viewer {
		return "VIEWER"
	}
	return "MASTER"
}

// Channels makes the control-plane calls of signaling channels, for tools and
// backends; a [Client] makes those that it needs itself. It is safe for
// concurrent use. Refusals of the service satisfy smithy.APIError. Calls retry
// as the Retryer of their aws.Config says.
type Channels struct{ api *awsapi.Client }

// NewChannels returns the calls for the region, credentials and endpoint of
// cfg. It does no I/O.
func NewChannels(cfg aws.Config) *Channels { return newChannels(Config{AWS: cfg}) }

func newChannels(cfg Config) *Channels {
	return &Channels{awsapi.New(awsapi.Options{
		AWS: cfg.AWS, Service: "kinesisvideo", ID: "Kinesis Video", DualStack: cfg.DualStack, FIPS: cfg.FIPS,
	})}
}

// Channel describes a signaling channel.
type Channel struct {
	Name       string
	ARN        string
	Status     string        // CREATING, ACTIVE, UPDATING or DELETING
	Created    time.Time     // by the service's clock
	MessageTTL time.Duration // how long messages for an absent peer are kept
	Version    string        // needed to update; changes with every update
}

type channelInfo struct {
	ChannelName, ChannelARN, ChannelStatus, Version string
	CreationTime                                    float64 // seconds since 1970
	SingleMasterConfiguration                       *singleMaster
}

type singleMaster struct {
	MessageTtlSeconds int `json:",omitempty"`
}

type tag struct{ Key, Value string }

func (i channelInfo) channel() Channel {
	c := Channel{Name: i.ChannelName, ARN: i.ChannelARN, Status: i.ChannelStatus, Version: i.Version}
	if sec, frac := math.Modf(i.CreationTime); sec > 0 && sec < 1<<40 {
		c.Created = time.Unix(int64(sec), int64(frac*1e9)).UTC()
	}
	if m := i.SingleMasterConfiguration; m != nil {
		c.MessageTTL = time.Duration(m.MessageTtlSeconds) * time.Second
	}
	return c
}

// naming is how a request names a channel: by name or by ARN.
type naming struct {
	ChannelName string `json:",omitempty"`
	ChannelARN  string `json:",omitempty"`
}

func nameOf(channel string) naming {
	if strings.HasPrefix(channel, "arn:") {
		return naming{ChannelARN: channel}
	}
	return naming{ChannelName: channel}
}

func (c *Channels) do(ctx context.Context, endpoint, path, name string, in, out any) error {
	if err := c.api.Do(ctx, awsapi.Call{Name: name, Endpoint: endpoint, Path: path, In: in, Out: out}); err != nil {
		return fmt.Errorf("signaling: %w", err)
	}
	return nil
}

// Describe returns the channel with the name or ARN given
// (DescribeSignalingChannel).
func (c *Channels) Describe(ctx context.Context, channel string) (Channel, error) {
	var out struct{ ChannelInfo channelInfo }
	if err := c.do(ctx, "", "/describeSignalingChannel", "DescribeSignalingChannel", nameOf(channel), &out); err != nil {
		return Channel{}, err
	}
	if out.ChannelInfo.ChannelARN == "" {
		return Channel{}, fmt.Errorf("signaling: DescribeSignalingChannel of %q answered without an ARN", channel)
	}
	return out.ChannelInfo.channel(), nil
}

// Create makes a channel and returns its ARN (CreateSignalingChannel). The
// channel can be used once Describe shows it ACTIVE.
func (c *Channels) Create(ctx context.Context, name string, s ChannelSettings) (string, error) {
	if !channelName.MatchString(name) {
		return "", &ConfigError{"name", fmt.Sprintf("%q is not a channel name: 1 to 256 of A-Z a-z 0-9 _ . -", name)}
	}
	if err := s.check("ChannelSettings"); err != nil {
		return "", err
	}
	in := struct {
		ChannelName, ChannelType  string
		SingleMasterConfiguration *singleMaster `json:",omitempty"`
		Tags                      []tag         `json:",omitempty"`
	}{ChannelName: name, ChannelType: "SINGLE_MASTER", Tags: tagList(s.Tags)}
	if s.MessageTTL > 0 {
		in.SingleMasterConfiguration = &singleMaster{int(s.MessageTTL / time.Second)}
	}
	var out struct{ ChannelARN string }
	err := c.do(ctx, "", "/createSignalingChannel", "CreateSignalingChannel", in, &out)
	return out.ChannelARN, err
}

// Update changes how long the channel keeps messages (UpdateSignalingChannel).
// version is the Version that Describe returned.
func (c *Channels) Update(ctx context.Context, arn, version string, messageTTL time.Duration) error {
	if err := (&ChannelSettings{MessageTTL: messageTTL}).check("update"); err != nil {
		return err
	}
	return c.do(ctx, "", "/updateSignalingChannel", "UpdateSignalingChannel", struct {
		ChannelARN, CurrentVersion string
		SingleMasterConfiguration  singleMaster
	}{arn, version, singleMaster{int(messageTTL / time.Second)}}, nil)
}

// Delete removes the channel (DeleteSignalingChannel). An empty version deletes
// whichever is there.
func (c *Channels) Delete(ctx context.Context, arn, version string) error {
	return c.do(ctx, "", "/deleteSignalingChannel", "DeleteSignalingChannel", struct {
		ChannelARN     string
		CurrentVersion string `json:",omitempty"`
	}{arn, version}, nil)
}

// List returns the account's channels whose names begin with prefix, all with
// an empty one (ListSignalingChannels). It asks for a page at a time; an error
// ends the sequence.
func (c *Channels) List(ctx context.Context, prefix string) iter.Seq2[Channel, error] {
	type condition struct{ ComparisonOperator, ComparisonValue string }
	return func(yield func(Channel, error) bool) {
		in := struct {
			NextToken            string     `json:",omitempty"`
			ChannelNameCondition *condition `json:",omitempty"`
		}{}
		if prefix != "" {
			in.ChannelNameCondition = &condition{"BEGINS_WITH", prefix}
		}
		var pages awsapi.Pages
		for more := true; more; {
			var out struct {
				ChannelInfoList []channelInfo
				NextToken       string
			}
			in.NextToken = pages.Token
			err := c.do(ctx, "", "/listSignalingChannels", "ListSignalingChannels", in, &out)
			if err == nil {
				more, err = pages.Next("signaling: ListSignalingChannels", out.NextToken, len(out.ChannelInfoList))
			}
			if err != nil {
				yield(Channel{}, err)
				return
			}
			for _, i := range out.ChannelInfoList {
				if !yield(i.channel(), nil) {
					return
				}
			}
		}
	}
}

// Endpoints returns where a channel is reached in a role
// (GetSignalingChannelEndpoint). storage asks for the storage service's
// endpoint as well, which the service refuses for a channel without media storage.
// An answer that leads to an unencrypted address though the control plane is
// encrypted is an [*EndpointError].
func (c *Channels) Endpoints(ctx context.Context, arn string, role Role, storage bool) (Endpoints, error) {
	type config struct {
		Protocols []string
		Role      string
	}
	in := struct {
		ChannelARN                               string
		SingleMasterChannelEndpointConfiguration config
	}{arn, config{[]string{"WSS", "HTTPS"}, role.String()}}
	if storage {
		p := &in.SingleMasterChannelEndpointConfiguration.Protocols
		*p = append(*p, "WEBRTC")
	}
	var out struct {
		ResourceEndpointList []struct{ Protocol, ResourceEndpoint string }
	}
	if err := c.do(ctx, "", "/getSignalingChannelEndpoint", "GetSignalingChannelEndpoint", in, &out); err != nil {
		return Endpoints{}, err
	}
	e := Endpoints{ChannelARN: arn}
	for _, r := range out.ResourceEndpointList {
		switch r.Protocol {
		case "WSS":
			e.WSS = r.ResourceEndpoint
		case "HTTPS":
			e.HTTPS = r.ResourceEndpoint
		case "WEBRTC":
			e.WebRTC = r.ResourceEndpoint
		}
	}
	if !e.complete(storage) {
		return Endpoints{}, fmt.Errorf("signaling: GetSignalingChannelEndpoint of %s did not return every endpoint", arn)
	}
	return e, c.admit(e)
}

// complete reports whether e has the endpoints needed.
func (e Endpoints) complete(storage bool) bool {
	return channelARN.MatchString(e.ChannelARN) && e.WSS != "" && e.HTTPS != "" && (!storage || e.WebRTC != "")
}

// admit returns the EndpointError of the first endpoint that nothing may be sent
// to, nil if all may be used. Empty ones are left out.
func (c *Channels) admit(e Endpoints) error {
	control, err := c.api.Endpoint()
	if err != nil {
		return &ConfigError{"AWS", err.Error()}
	}
	for _, of := range []struct{ name, address, scheme string }{
		{"WSS", e.WSS, "wss"}, {"HTTPS", e.HTTPS, "https"}, {"WEBRTC", e.WebRTC, "https"},
	} {
		if of.address == "" {
			continue
		}
		if err := control.Admit(of.address, of.scheme); err != nil {
			return &EndpointError{of.name, err.Error()}
		}
	}
	return nil
}

// ICEServers returns the TURN servers for a new session, with the region's STUN
// server before them unless the control plane's address was configured
// (GetIceServerConfig). clientID is the viewer's, empty for a master.
func (c *Channels) ICEServers(ctx context.Context, e Endpoints, clientID string) ([]ICEServer, error) {
	var out struct {
		IceServerList []struct {
			Uris               []string
			Username, Password string
			Ttl                int64 // seconds
		}
	}
	if e.HTTPS == "" {
		return nil, &ConfigError{"Endpoints.HTTPS", "is empty: get it from Channels.Endpoints"}
	}
	if err := c.admit(Endpoints{HTTPS: e.HTTPS}); err != nil {
		return nil, err
	}
	asked := time.Now()
	err := c.do(ctx, e.HTTPS, "/v1/get-ice-server-config", "GetIceServerConfig", struct {
		ChannelARN string
		ClientId   string `json:",omitempty"`
		Service    string
	}{e.ChannelARN, clientID, "TURN"}, &out)
	if err != nil {
		return nil, err
	}
	servers := c.stun()
	for _, s := range out.IceServerList {
		ttl := time.Duration(min(max(s.Ttl, 0), 86400)) * time.Second
		servers = append(servers, ICEServer{URLs: s.Uris, Username: s.Username, Credential: s.Password, Expires: asked.Add(ttl)})
	}
	return servers, nil
}

// stun returns the region's STUN server. Beside a control plane at a configured
// address (a VPC endpoint, a stand-in) it is not assumed to be reachable.
func (c *Channels) stun() []ICEServer {
	e, err := c.api.Endpoint()
	if err != nil || e.Overridden {
		return nil
	}
	return []ICEServer{{URLs: []string{e.STUN()}}}
}
