package awsapi

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// sources is what config.LoadDefaultConfig puts into aws.Config.ConfigSources.
type sources struct{ dual, fips, ignore, own bool }

func (s sources) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	return aws.DualStackEndpointStateEnabled, s.dual, nil
}
func (s sources) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	return aws.FIPSEndpointStateEnabled, s.fips, nil
}
func (s sources) GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error) {
	return s.ignore, true, nil
}
func (s sources) GetServiceBaseEndpoint(_ context.Context, id string) (string, bool, error) {
	return "https://own.test:8443/", s.own && id == "Kinesis Video", nil
}

func TestResolve(t *testing.T) {
	for _, c := range []struct {
		region     string
		dual, fips bool
		url, stun  string
	}{
		{"eu-west-1", false, false, "https://kinesisvideo.eu-west-1.amazonaws.com", "stun:stun.kinesisvideo.eu-west-1.amazonaws.com:443"},
		{"eu-west-1", true, false, "https://kinesisvideo.eu-west-1.api.aws", "stun:stun.kinesisvideo.eu-west-1.api.aws:443"},
		{"cn-north-1", false, false, "https://kinesisvideo.cn-north-1.amazonaws.com.cn", "stun:stun.kinesisvideo.cn-north-1.amazonaws.com.cn:443"},
		{"cn-north-1", true, false, "https://kinesisvideo.cn-north-1.api.amazonwebservices.com.cn", "stun:stun.kinesisvideo.cn-north-1.api.amazonwebservices.com.cn:443"},
		{"us-gov-west-1", false, true, "https://kinesisvideo-fips.us-gov-west-1.amazonaws.com", "stuns:stun.kinesisvideo-fips.us-gov-west-1.amazonaws.com:443"},
		{"us-gov-east-1", true, true, "https://kinesisvideo-fips.us-gov-east-1.api.aws", "stuns:stun.kinesisvideo-fips.us-gov-east-1.api.aws:443"},
		{"us-iso-east-1", false, false, "https://kinesisvideo.us-iso-east-1.c2s.ic.gov", "stuns:stun.kinesisvideo-fips.us-iso-east-1.c2s.ic.gov:443"},
		{"us-isob-east-1", true, false, "https://kinesisvideo.us-isob-east-1.api.aws.scloud", "stuns:stun.kinesisvideo-fips.us-isob-east-1.api.aws.scloud:443"},
		{"eu-isoe-west-1", false, false, "https://kinesisvideo.eu-isoe-west-1.cloud.adc-e.uk", "stuns:stun.kinesisvideo-fips.eu-isoe-west-1.cloud.adc-e.uk:443"},
		{"us-isof-south-1", false, false, "https://kinesisvideo.us-isof-south-1.csp.hci.ic.gov", "stuns:stun.kinesisvideo-fips.us-isof-south-1.csp.hci.ic.gov:443"},
		{"eusc-de-east-1", false, false, "https://kinesisvideo.eusc-de-east-1.amazonaws.eu", "stun:stun.kinesisvideo.eusc-de-east-1.amazonaws.eu:443"},
	} {
		for name, cfg := range map[string]aws.Config{
			"fields":  {Region: c.region},
			"sources": {Region: c.region, ConfigSources: []any{sources{dual: c.dual, fips: c.fips}}},
		} {
			e, err := Resolve(t.Context(), cfg, "kinesisvideo", "Kinesis Video", name == "fields" && c.dual, name == "fields" && c.fips)
			if err != nil || e.URL != c.url || e.STUN() != c.stun || e.Overridden {
				t.Errorf("%s by %s: %+v, %s, %v", c.region, name, e, e.STUN(), err)
			}
		}
	}
	base := aws.Config{Region: "eu-west-1", BaseEndpoint: aws.String("http://127.0.0.1:4566/")}
	own := aws.Config{Region: "eu-west-1", BaseEndpoint: base.BaseEndpoint, ConfigSources: []any{sources{own: true}}}
	ignored := aws.Config{Region: "eu-west-1", BaseEndpoint: base.BaseEndpoint, ConfigSources: []any{sources{own: true, ignore: true}}}
	for want, cfg := range map[string]aws.Config{"http://127.0.0.1:4566": base, "https://own.test:8443": own} {
		if e, err := Resolve(t.Context(), cfg, "kinesisvideo", "Kinesis Video", false, false); err != nil || e.URL != want || !e.Overridden {
			t.Errorf("%+v, %v", e, err)
		}
	}
	if e, err := Resolve(t.Context(), ignored, "kinesisvideo", "Kinesis Video", false, false); err != nil || e.URL != "http://127.0.0.1:4566" {
		t.Errorf("%+v, %v", e, err)
	}
	for _, cfg := range []aws.Config{{}, {Region: "eu west"}, {Region: "a.b"}, {Region: "eu-west-1", BaseEndpoint: aws.String("host:1")}} {
		if e, err := Resolve(t.Context(), cfg, "s", "S", false, false); err == nil {
			t.Errorf("%+v", e)
		}
	}
}

// TestAdmit says where requests may go that a control plane leads to.
func TestAdmit(t *testing.T) {
	resolve := func(base *string) Endpoint {
		e, err := Resolve(t.Context(), aws.Config{Region: "eu-west-1", BaseEndpoint: base}, "kinesisvideo", "Kinesis Video", false, false)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	encrypted := []Endpoint{resolve(nil), resolve(aws.String("https://10.0.0.1:8443")), {}}
	plain := []Endpoint{resolve(aws.String("http://10.0.0.1:4566")), resolve(aws.String("HTTP://10.0.0.1:4566"))}
	for _, c := range []struct {
		address, scheme  string
		encrypted, plain bool   // admitted by such a control plane
		says             string // of the refusal
	}{
		{"https://s-1.kinesisvideo.eu-west-1.amazonaws.com", "https", true, true, ""},
		{"wss://v-1.kinesisvideo.eu-west-1.amazonaws.com", "wss", true, true, ""},
		{"WSS://[::1]:8443/a/path", "wss", true, true, ""},
		{"http://h", "https", false, true, `"http://h" is not encrypted`},
		{"ws://h:80/p", "wss", false, true, `"ws://h:80" is not encrypted`},
		{"https://h", "wss", false, false, "unknown scheme"},
		{"wss://h", "https", false, false, "unknown scheme"},
		{"ws://h", "https", false, false, "unknown scheme"},
		{"file://h/etc/passwd", "https", false, false, "unknown scheme"},
		{"//h", "https", false, false, "unknown scheme"},
		{"https://s3cret:s3cret@h", "https", false, false, "user name"},
		{"https://@h", "https", false, false, "user name"},
		{"https://h?a=s3cret", "https", false, false, "a query"},
		{"https://h?", "https", false, false, "a query"},
		{"https://h/#s3cret", "https", false, false, "a fragment"},
		{"https://h#", "https", false, false, "a fragment"},
		{"https://", "https", false, false, "not a URL"},
		{"https://:443", "https", false, false, "not a URL"},
		{"https:h", "https", false, false, "not a URL"},
		{"https://h:port", "https", false, false, "not a URL"},
		{"https://h\n", "https", false, false, "not a URL"},
		{"h:443", "https", false, false, "not a URL"},
		{"", "https", false, false, "not a URL"},
		{"https://" + strings.Repeat("h", maxAddress-8), "https", true, true, ""},
		{"https://" + strings.Repeat("h", maxAddress-7), "https", false, false, "not a URL"},
	} {
		check := func(control Endpoint, admitted bool) {
			err := control.Admit(c.address, c.scheme)
			if (err == nil) != admitted {
				t.Errorf("%.100q under %q: %v", c.address, control.URL, err)
			}
			if err != nil && (!strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), c.scheme) && !strings.Contains(err.Error(), "give")) {
				t.Errorf("%.100q under %q: %v, want %q", c.address, control.URL, err, c.says)
			}
		}
		for _, control := range encrypted {
			check(control, c.encrypted)
		}
		for _, control := range plain {
			check(control, c.plain)
		}
	}
}
