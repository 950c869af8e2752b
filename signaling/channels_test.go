package signaling

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
)

// scripted answers each call from a script and keeps what was asked.
type scripted struct {
	answers []string
	asked   []string
}

func (s *scripted) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if len(s.answers) == 0 {
		return nil, fmt.Errorf("unexpected call of %s", r.URL.Path)
	}
	s.asked = append(s.asked, r.Host+r.URL.Path+" "+string(body))
	answer := s.answers[0]
	s.answers = s.answers[1:]
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer))}, nil
}

func (s *scripted) channels() *Channels {
	cfg := awsConfig()
	cfg.HTTPClient = s
	return NewChannels(cfg)
}

func TestChannelCalls(t *testing.T) {
	const host = "kinesisvideo.eu-west-1.amazonaws.com"
	ctx := t.Context()
	e := Endpoints{ChannelARN: testARN, HTTPS: "https://r.test", WebRTC: "https://w.test"}
	info := `{"ChannelName":"door","ChannelARN":"` + testARN + `","ChannelStatus":"ACTIVE","CreationTime":1700000000.25,"SingleMasterConfiguration":{"MessageTtlSeconds":60},"Version":"v"}`
	door := Channel{"door", testARN, "ACTIVE", time.Unix(1700000000, 250_000_000).UTC(), time.Minute, "v"}
	expires := time.Duration(0)
	for _, c := range []struct {
		call    func(c *Channels) (any, error)
		answers []string
		asked   []string
		want    any
	}{
		{func(c *Channels) (any, error) { return c.Describe(ctx, "door") },
			[]string{`{"ChannelInfo":` + info + `}`}, []string{host + `/describeSignalingChannel {"ChannelName":"door"}`}, door},
		{func(c *Channels) (any, error) { return c.Describe(ctx, testARN) },
			[]string{`{"ChannelInfo":` + info + `}`}, []string{host + `/describeSignalingChannel {"ChannelARN":"` + testARN + `"}`}, door},
		{func(c *Channels) (any, error) {
			return c.Create(ctx, "door", ChannelSettings{MessageTTL: time.Minute, Tags: map[string]string{"b": "2", "a": "1"}})
		}, []string{`{"ChannelARN":"` + testARN + `"}`},
			[]string{host + `/createSignalingChannel {"ChannelName":"door","ChannelType":"SINGLE_MASTER","SingleMasterConfiguration":{"MessageTtlSeconds":60},"Tags":[{"Key":"a","Value":"1"},{"Key":"b","Value":"2"}]}`}, testARN},
		{func(c *Channels) (any, error) { return nil, c.Update(ctx, testARN, "v", 5*time.Second) }, []string{``},
			[]string{host + `/updateSignalingChannel {"ChannelARN":"` + testARN + `","CurrentVersion":"v","SingleMasterConfiguration":{"MessageTtlSeconds":5}}`}, nil},
		{func(c *Channels) (any, error) { return nil, c.Delete(ctx, testARN, "") }, []string{``},
			[]string{host + `/deleteSignalingChannel {"ChannelARN":"` + testARN + `"}`}, nil},
		{func(c *Channels) (any, error) {
			var all []Channel
			for ch, err := range c.List(ctx, "do") {
				if err != nil {
					return nil, err
				}
				all = append(all, ch)
			}
			return all, nil
		}, []string{`{"ChannelInfoList":[` + info + `],"NextToken":"n"}`, `{"ChannelInfoList":[` + info + `]}`},
			[]string{host + `/listSignalingChannels {"ChannelNameCondition":{"ComparisonOperator":"BEGINS_WITH","ComparisonValue":"do"}}`,
				host + `/listSignalingChannels {"NextToken":"n","ChannelNameCondition":{"ComparisonOperator":"BEGINS_WITH","ComparisonValue":"do"}}`},
			[]Channel{door, door}},
		{func(c *Channels) (any, error) { return c.Endpoints(ctx, testARN, Viewer, true) },
			[]string{`{"ResourceEndpointList":[{"Protocol":"WSS","ResourceEndpoint":"wss://v"},{"Protocol":"HTTPS","ResourceEndpoint":"https://r"},{"Protocol":"WEBRTC","ResourceEndpoint":"https://w"}]}`},
			[]string{host + `/getSignalingChannelEndpoint {"ChannelARN":"` + testARN + `","SingleMasterChannelEndpointConfiguration":{"Protocols":["WSS","HTTPS","WEBRTC"],"Role":"VIEWER"}}`},
			Endpoints{testARN, "wss://v", "https://r", "https://w"}},
		{func(c *Channels) (any, error) {
			s, err := c.ICEServers(ctx, e, "v1")
			for i := range s {
				expires = max(expires, time.Until(s[i].Expires))
				s[i].Expires = time.Time{}
			}
			return s, err
		}, []string{`{"IceServerList":[{"Uris":["turn:t"],"Username":"u","Password":"p","Ttl":300}]}`},
			[]string{`r.test/v1/get-ice-server-config {"ChannelARN":"` + testARN + `","ClientId":"v1","Service":"TURN"}`},
			[]ICEServer{{URLs: []string{"stun:stun.kinesisvideo.eu-west-1.amazonaws.com:443"}}, {URLs: []string{"turn:t"}, Username: "u", Credential: "p"}}},
		{func(c *Channels) (any, error) { return c.StorageConfiguration(ctx, "door") },
			[]string{`{"MediaStorageConfiguration":{"Status":"ENABLED","StreamARN":"s"}}`},
			[]string{host + `/describeMediaStorageConfiguration {"ChannelName":"door"}`}, StorageConfiguration{true, "s"}},
		{func(c *Channels) (any, error) { return c.StorageConfiguration(ctx, "door") },
			[]string{`{"MediaStorageConfiguration":{"Status":"DISABLED","StreamARN":null}}`},
			[]string{host + `/describeMediaStorageConfiguration {"ChannelName":"door"}`}, StorageConfiguration{}},
		{func(c *Channels) (any, error) {
			return nil, c.UpdateStorage(ctx, testARN, StorageConfiguration{true, "s"})
		}, []string{`{}`},
			[]string{host + `/updateMediaStorageConfiguration {"ChannelARN":"` + testARN + `","MediaStorageConfiguration":{"Status":"ENABLED","StreamARN":"s"}}`}, nil},
		{func(c *Channels) (any, error) { return nil, c.JoinStorageSession(ctx, e) }, []string{``},
			[]string{`w.test/joinStorageSession {"channelArn":"` + testARN + `"}`}, nil},
		{func(c *Channels) (any, error) { return nil, c.JoinStorageSessionAsViewer(ctx, e, "v1") }, []string{``},
			[]string{`w.test/joinStorageSessionAsViewer {"channelArn":"` + testARN + `","clientId":"v1"}`}, nil},
		{func(c *Channels) (any, error) { return nil, c.Tag(ctx, testARN, map[string]string{"k": "v"}) }, []string{``},
			[]string{host + `/TagResource {"ResourceARN":"` + testARN + `","Tags":[{"Key":"k","Value":"v"}]}`}, nil},
		{func(c *Channels) (any, error) { return nil, c.Untag(ctx, testARN, "k") }, []string{`{}`},
			[]string{host + `/UntagResource {"ResourceARN":"` + testARN + `","TagKeyList":["k"]}`}, nil},
		{func(c *Channels) (any, error) { return c.ListTags(ctx, testARN) },
			[]string{`{"Tags":{"a":"1"},"NextToken":"n"}`, `{"Tags":{"b":"2"}}`},
			[]string{host + `/ListTagsForResource {"ResourceARN":"` + testARN + `"}`, host + `/ListTagsForResource {"ResourceARN":"` + testARN + `","NextToken":"n"}`},
			map[string]string{"a": "1", "b": "2"}},
	} {
		s := &scripted{answers: c.answers}
		got, err := c.call(s.channels())
		if err != nil {
			t.Errorf("%s: %v", c.asked[0], err)
		}
		if d := cmp.Diff(c.asked, s.asked); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(c.want, got, cmp.Transformer("json", func(x ICEServer) string { b, _ := json.Marshal(x); return string(b) })); d != "" {
			t.Error(d)
		}
	}
	if expires <= 299*time.Second || expires > 300*time.Second {
		t.Errorf("TURN credentials expire in %v", expires)
	}
}

func TestConfigErrors(t *testing.T) {
	good := Config{Channel: "door", AWS: awsConfig()}
	for field, change := range map[string]func(*Config){
		"Channel":           func(c *Config) { c.Channel = "" },
		"Channel ":          func(c *Config) { c.Channel = "a door" },
		"Channel  ":         func(c *Config) { c.Channel = "arn:aws:s3:::x" },
		"AWS.Region":        func(c *Config) { c.AWS.Region = "" },
		"AWS.Region ":       func(c *Config) { c.Channel, c.AWS.Region = testARN, "us-east-1" },
		"AWS.Credentials":   func(c *Config) { c.AWS.Credentials = nil },
		"AWS":               func(c *Config) { c.AWS.BaseEndpoint = aws.String("no url") },
		"Create.MessageTTL": func(c *Config) { c.Create = &ChannelSettings{MessageTTL: time.Second} },
		"Create":            func(c *Config) { c.Channel, c.Create = testARN, &ChannelSettings{} },
	} {
		cfg := good
		change(&cfg)
		_, err := DialMaster(t.Context(), cfg)
		var ce *ConfigError
		if !errors.As(err, &ce) || ce.Field != strings.TrimSpace(field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	for _, id := range []string{"a b", "AWS_x", "aws_x", strings.Repeat("x", 257)} {
		if _, err := DialViewer(t.Context(), good, id); err == nil {
			t.Errorf("client ID %q is accepted", id)
		}
	}
	cfg := good
	cfg.Channel, cfg.AWS.Region = testARN, ""
	if err := cfg.check(); err != nil || cfg.AWS.Region != "eu-west-1" {
		t.Errorf("region %q from the ARN, %v", cfg.AWS.Region, err)
	}
}

// A service whose pages have no end is not asked for ever, and the list is not taken
// for whole.
func TestPagesWithoutEnd(t *testing.T) {
	page := func(list, token string) string { return fmt.Sprintf(`{%s,"NextToken":%q}`, list, token) }
	for name, tokens := range map[string][]string{"one": {"a", "a"}, "by turns": {"a", "b", "a", "b", "a"}} {
		var channels, tags scripted
		for _, token := range tokens {
			channels.answers = append(channels.answers, page(`"ChannelInfoList":[{"ChannelName":"door"}]`, token))
			tags.answers = append(tags.answers, page(`"Tags":{"a":"1"}`, token))
		}
		var err error
		for _, err = range channels.channels().List(t.Context(), "") {
			if err != nil {
				break
			}
		}
		if err == nil || !strings.Contains(err.Error(), "again and again") {
			t.Errorf("%s: channels: %v", name, err)
		}
		if _, err := tags.channels().ListTags(t.Context(), testARN); err == nil || !strings.Contains(err.Error(), "again and again") {
			t.Errorf("%s: tags: %v", name, err)
		}
	}
}
