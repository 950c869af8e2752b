package signalingtest

import (
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
)

type tag struct{ Key, Value string }

type singleMaster struct{ MessageTtlSeconds int }

type channelInfo struct {
	ChannelName, ChannelARN   string
	ChannelType               string
	ChannelStatus             string
	CreationTime              float64 // epoch seconds
	SingleMasterConfiguration singleMaster
	Version                   string
}

func (s *Service) info(ch *channel) channelInfo {
	d := &ch.description
	return channelInfo{ch.name, ch.arn, "SINGLE_MASTER", s.status(ch), float64(d.Created.UnixMilli()) / 1000,
		singleMaster{d.MessageTTLSeconds}, d.Version}
}

func (s *Service) create(c *call) (any, error) {
	var in struct {
		ChannelName, ChannelType  string
		SingleMasterConfiguration *singleMaster
		Tags                      []tag
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	t, err := c.target(in.ChannelName, "", "")
	if err != nil {
		return nil, err
	}
	if in.ChannelType != "" && in.ChannelType != "SINGLE_MASTER" {
		return nil, awsapitest.Invalid("ChannelType must be SINGLE_MASTER.")
	}
	ttl, err := messageTTL(in.SingleMasterConfiguration)
	if err != nil {
		return nil, err
	}
	tags := map[string]string{}
	putTags(tags, in.Tags)
	if err := checkTags(tags); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.channels[t.name] != nil {
		return nil, inUse("The channel %s exists already.", t.name)
	}
	ch, err := s.add(t.name, ttl, tags)
	if err != nil {
		return nil, err
	}
	return map[string]string{"ChannelARN": ch.arn}, nil
}

func messageTTL(in *singleMaster) (seconds int, err error) {
	if in == nil || in.MessageTtlSeconds == 0 {
		return standardTTL, nil
	}
	if in.MessageTtlSeconds < minTTL || in.MessageTtlSeconds > maxTTL {
		return 0, awsapitest.Invalid("MessageTtlSeconds must be from %d to %d.", minTTL, maxTTL)
	}
	return in.MessageTtlSeconds, nil
}

func (s *Service) describe(c *call) (any, error) {
	var in struct{ ChannelName, ChannelARN string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	t, err := c.target(in.ChannelName, in.ChannelARN, "")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.lookup(t)
	if err != nil {
		return nil, err
	}
	return map[string]channelInfo{"ChannelInfo": s.info(ch)}, nil
}

type resourceEndpoint struct{ Protocol, ResourceEndpoint string }

func (s *Service) endpoint(c *call) (any, error) {
	var in struct {
		ChannelARN                               string
		SingleMasterChannelEndpointConfiguration struct {
			Protocols []string
			Role      string
		}
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.ChannelARN == "" {
		return nil, awsapitest.Invalid("ChannelARN is missing.")
	}
	t, err := c.target("", in.ChannelARN, "")
	if err != nil {
		return nil, err
	}
	want := in.SingleMasterChannelEndpointConfiguration
	if len(want.Protocols) == 0 {
		want.Protocols = []string{"WSS", "HTTPS"}
	}
	if len(want.Protocols) > 3 {
		return nil, awsapitest.Invalid("Protocols has more than three members.")
	}
	if want.Role != "" && want.Role != "MASTER" && want.Role != "VIEWER" {
		return nil, awsapitest.Invalid("Role must be MASTER or VIEWER.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.active(t)
	if err != nil {
		return nil, err
	}
	var list []resourceEndpoint
	for _, p := range want.Protocols {
		url, scheme := "", "http"
		switch p {
		case "WSS":
			scheme, url = "ws", s.cfg.Endpoints.MasterWSS
			if want.Role == "VIEWER" {
				url = s.cfg.Endpoints.ViewerWSS
			}
		case "HTTPS":
			url = s.cfg.Endpoints.HTTPS
		case "WEBRTC":
			if !ch.description.StorageEnabled {
				return nil, awsapitest.Invalid("The channel has no media storage configuration: WEBRTC is not supported.")
			}
			url = s.cfg.Endpoints.WebRTC
		default:
			return nil, awsapitest.Invalid("Protocols must be WSS, HTTPS or WEBRTC.")
		}
		if url == "" {
			if c.request.TLS != nil {
				scheme += "s"
			}
			url = scheme + "://" + c.request.Host
		}
		list = append(list, resourceEndpoint{p, url})
	}
	return map[string][]resourceEndpoint{"ResourceEndpointList": list}, nil
}

func (s *Service) update(c *call) (any, error) {
	var in struct {
		ChannelARN, CurrentVersion string
		SingleMasterConfiguration  *singleMaster
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.ChannelARN == "" || in.CurrentVersion == "" {
		return nil, awsapitest.Invalid("ChannelARN and CurrentVersion are required.")
	}
	t, err := c.target("", in.ChannelARN, "")
	if err != nil {
		return nil, err
	}
	ttl, err := messageTTL(in.SingleMasterConfiguration)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.active(t)
	if err != nil {
		return nil, err
	}
	if in.CurrentVersion != ch.description.Version {
		return nil, versionMismatch()
	}
	return nil, s.change(ch, func(d *description) {
		if in.SingleMasterConfiguration != nil {
			d.MessageTTLSeconds = ttl
		}
		d.Version = newVersion()
	})
}

func versionMismatch() error {
	return badRequest("VersionMismatchException", "The version given is not the latest of the channel: describe it and try again.")
}

func (s *Service) delete(c *call) (any, error) {
	var in struct{ ChannelARN, CurrentVersion string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.ChannelARN == "" {
		return nil, awsapitest.Invalid("ChannelARN is missing.")
	}
	t, err := c.target("", in.ChannelARN, "")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.lookup(t)
	if err != nil {
		return nil, err
	}
	if in.CurrentVersion != "" && in.CurrentVersion != ch.description.Version {
		return nil, versionMismatch()
	}
	if err := s.folder.Remove(ch.name); err != nil {
		return nil, err
	}
	for _, conn := range ch.connections() {
		conn.finish(s.cfg.Variants.CloseExpired, "the channel is deleted")
	}
	for _, session := range ch.sessions {
		session.cancel()
	}
	delete(s.channels, t.name)
	return nil, nil
}

func (s *Service) list(c *call) (any, error) {
	var in struct {
		MaxResults           *int
		NextToken            string
		ChannelNameCondition *struct{ ComparisonOperator, ComparisonValue string }
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := c.allow(Access{Principal: c.principal, Action: c.op.name}); err != nil {
		return nil, err
	}
	limit := 500
	if in.MaxResults != nil {
		limit = *in.MaxResults
	}
	if limit < 1 || limit > 10000 {
		return nil, awsapitest.Invalid("MaxResults must be from 1 to 10000.")
	}
	prefix := ""
	if cond := in.ChannelNameCondition; cond != nil {
		if cond.ComparisonOperator != "BEGINS_WITH" || !namePattern.MatchString(cond.ComparisonValue) {
			return nil, awsapitest.Invalid("ChannelNameCondition must be BEGINS_WITH and a name.")
		}
		prefix = cond.ComparisonValue
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	names := slices.Sorted(maps.Keys(s.channels))
	out := struct {
		ChannelInfoList []channelInfo
		NextToken       string `json:",omitempty"`
	}{ChannelInfoList: []channelInfo{}}
	for _, name := range names[sort.SearchStrings(names, in.NextToken):] {
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		if len(out.ChannelInfoList) == limit {
			out.NextToken = name
			break
		}
		out.ChannelInfoList = append(out.ChannelInfoList, s.info(s.channels[name]))
	}
	return out, nil
}
