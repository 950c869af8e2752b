package awsapi

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// partition is one separate part of AWS, with its own domain names.
type partition struct {
	prefix          string // of its regions' names
	suffix, suffix6 string // DNS suffixes: IPv4 only, dual-stack
	iso             bool
}

// From aws-sdk-go-v2/internal/endpoints/awsrulesfn/partitions.json.
var partitions = []partition{
	{"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", false},
	{"us-gov-", "amazonaws.com", "api.aws", false},
	{"eusc-", "amazonaws.eu", "api.amazonwebservices.eu", false},
	{"us-iso-", "c2s.ic.gov", "api.aws.ic.gov", true},
	{"us-isob-", "sc2s.sgov.gov", "api.aws.scloud", true},
	{"eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", true},
	{"us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov", true},
	{"", "amazonaws.com", "api.aws", false}, // aws
}

func partitionOf(region string) partition {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.prefix) {
			return p
		}
	}
	return partitions[len(partitions)-1]
}

var (
	regionLabel = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)                 // what a host name can have
	regionName  = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`) // such as us-gov-west-1
)

// Endpoint is where a service is reached.
type Endpoint struct {
	URL        string // without a slash at the end
	Overridden bool   // URL was configured rather than derived from the region

	region string
	host   string // the service's name in host names, such as "kinesisvideo"
	suffix string
	secure bool // STUN goes over TLS
	plain  bool // URL is reached over http, without encryption
}

// Resolve finds the endpoint of the service that is called name in host names
// and id in configuration files (such as "kinesisvideo" and "Kinesis Video"):
// what cfg sets for this service, else cfg.BaseEndpoint, else derived from the
// region. dualStack and fips are added to what cfg.ConfigSources say.
func Resolve(ctx context.Context, cfg aws.Config, name, id string, dualStack, fips bool) (Endpoint, error) {
	if !regionLabel.MatchString(cfg.Region) {
		return Endpoint{}, fmt.Errorf("region %q: give the name of an AWS region, such as eu-west-1", cfg.Region)
	}
	base := aws.ToString(cfg.BaseEndpoint)
	ignored := false
	for _, src := range cfg.ConfigSources {
		if s, ok := src.(interface {
			GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error)
		}); ok {
			if v, found, err := s.GetUseDualStackEndpoint(ctx); err == nil && found {
				dualStack = dualStack || v == aws.DualStackEndpointStateEnabled
			}
		}
		if s, ok := src.(interface {
			GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error)
		}); ok {
			if v, found, err := s.GetUseFIPSEndpoint(ctx); err == nil && found {
				fips = fips || v == aws.FIPSEndpointStateEnabled
			}
		}
		if s, ok := src.(interface {
			GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error)
		}); ok {
			if v, found, err := s.GetIgnoreConfiguredEndpoints(ctx); err == nil && found {
				ignored = ignored || v
			}
		}
	}
	if !ignored {
		for _, src := range cfg.ConfigSources {
			if s, ok := src.(interface {
				GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
			}); ok {
				if v, found, err := s.GetServiceBaseEndpoint(ctx, id); err == nil && found {
					base = v
					break
				}
			}
		}
	}
	p := partitionOf(cfg.Region)
	e := Endpoint{region: cfg.Region, host: name, suffix: p.suffix, secure: fips || p.iso}
	if dualStack {
		e.suffix = p.suffix6
	}
	if base != "" {
		u, err := url.Parse(base)
		if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return Endpoint{}, fmt.Errorf("endpoint %q: give a URL such as https://host:port", base)
		}
		e.URL, e.Overridden, e.plain = strings.TrimSuffix(base, "/"), true, u.Scheme == "http"
		return e, nil
	}
	if !regionName.MatchString(cfg.Region) { // with an endpoint of its own a stand-in's may be any
		return Endpoint{}, fmt.Errorf("region %q: give the name of an AWS region, such as eu-west-1, not that of a zone or a city", cfg.Region)
	}
	if fips {
		name += "-fips"
	}
	if dualStack && e.host == s3Service { // the only service whose name says it, in the old domain
		name, e.suffix = name+".dualstack", p.suffix
	}
	e.URL = "https://" + name + "." + cfg.Region + "." + e.suffix
	return e, nil
}

// maxAddress is the length in bytes of the longest endpoint that is admitted. The
// services' own have about 60.
const maxAddress = 2048

// Admit returns why signed requests and media must not go to an address that the
// service, a cache or a file names, nil if they may. scheme is that of the
// address: "https" or "wss". The same without encryption, "http" or "ws", is
// admitted where the control plane e itself is reached over http, as a stand-in
// on the same machine is. The error shows scheme and host of the address alone.
func (e Endpoint) Admit(address, scheme string) error {
	u, err := url.Parse(address)
	if err != nil || len(address) > maxAddress || u.Hostname() == "" {
		return fmt.Errorf("is not a URL of at most %d bytes that begins with %s://host", maxAddress, scheme)
	}
	shown := clip(u.Scheme+"://"+u.Host, 300)
	plain := strings.TrimSuffix(scheme, "s")
	switch {
	case u.Scheme != scheme && u.Scheme != plain:
		return fmt.Errorf("%q has an unknown scheme: give one that begins with %s://", shown, scheme)
	case u.User != nil || strings.ContainsAny(address, "?#"):
		return fmt.Errorf("%q has a user name, a query or a fragment, which no endpoint has: give scheme, host, port and path alone", shown)
	case u.Scheme == plain && !e.plain:
		return fmt.Errorf("%q is not encrypted, but the control plane is: give one that begins with %s://, or reach a stand-in without TLS by a control plane that begins with http://",
			shown, scheme)
	}
	return nil
}

// STUN returns the URL of the region's STUN server (RFC 7064), which no API
// call lists. With FIPS, and in the isolated partitions, it is STUN over TLS.
func (e Endpoint) STUN() string {
	if e.secure {
		return "stuns:stun." + e.host + "-fips." + e.region + "." + e.suffix + ":443"
	}
	return "stun:stun." + e.host + "." + e.region + "." + e.suffix + ":443"
}
