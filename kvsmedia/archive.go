package kvsmedia

import (
	"context"
	"fmt"
	"io"
	"iter"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

// ArchiveConfig says which stream an [Archive] reads. AWS and Stream are required.
type ArchiveConfig struct {
	// AWS holds Region and Credentials (both required; an ARN in Stream brings
	// the region) and, optionally, BaseEndpoint (the control plane's URL),
	// HTTPClient, Retryer and ConfigSources.
	AWS aws.Config

	// Stream is the stream's name or its ARN.
	Stream string

	// DualStack asks for endpoints with IPv6 and IPv4, FIPS for those validated
	// to FIPS 140.
	DualStack, FIPS bool
}

// Archive reads what a stream holds. It is safe for concurrent use. Refusals of
// the service satisfy smithy.APIError, and say what can be done about them; calls are repeated as the Retryer of the
// aws.Config says, and no sooner than after a second if the service throttles. Each
// API is called no more often than its quota allows, 5 or 25 times a second, however
// many goroutines call.
type Archive struct {
	streams
	pace awsapi.Pacer

	mu        sync.Mutex
	endpoints map[string]string // by API
}

// NewArchive returns an archive. It does no I/O; its error is a [*ConfigError].
func NewArchive(cfg ArchiveConfig) (*Archive, error) {
	if err := checkStream(&cfg.AWS, cfg.Stream); err != nil {
		return nil, err
	}
	a := &Archive{streams: newStreams(cfg.AWS, cfg.Stream, cfg.DualStack, cfg.FIPS, 0), endpoints: map[string]string{}}
	if _, err := a.api.Endpoint(); err != nil {
		return nil, &ConfigError{"AWS", err.Error()}
	}
	return a, nil
}

// Close drops idle connections, if the archive has an HTTP client of its own. The
// archive can still be used.
func (a *Archive) Close() { a.api.Close() }

// call makes one call of the data plane. Its endpoint is asked for once, and again
// when it leads nowhere.
func (a *Archive) call(ctx context.Context, api, path, name string, do func(awsapi.Call) error) error {
	for {
		a.mu.Lock()
		endpoint, known := a.endpoints[api]
		a.mu.Unlock()
		if !known {
			err := a.pace.Wait(ctx, "GET_DATA_ENDPOINT", quota("GET_DATA_ENDPOINT"))
			if err == nil {
				endpoint, err = a.endpoint(ctx, api)
			}
			if err != nil {
				return explain(a.api, err, "GetDataEndpoint", a.stream)
			}
		}
		if err := a.pace.Wait(ctx, api, quota(api)); err != nil {
			return fmt.Errorf("kvsmedia: %s: %w", name, err)
		}
		err := do(awsapi.Call{Name: name, Endpoint: endpoint, Path: path})
		a.mu.Lock()
		if awsapi.Stale(err) {
			delete(a.endpoints, api)
		} else {
			a.endpoints[api] = endpoint
		}
		a.mu.Unlock()
		if err == nil {
			return nil
		}
		if !known || !awsapi.Stale(err) {
			return explain(a.api, fmt.Errorf("kvsmedia: %w", err), name, a.stream)
		}
	}
}

func (a *Archive) do(ctx context.Context, api, path, name string, in, out any) error {
	return a.call(ctx, api, path, name, func(c awsapi.Call) error {
		c.In, c.Out = in, out
		return a.api.Do(ctx, c)
	})
}

// open makes a call whose answer is media.
func (a *Archive) open(ctx context.Context, api, path, name string, in any) (body io.ReadCloser, err error) {
	err = a.call(ctx, api, path, name, func(c awsapi.Call) error {
		c.In = in
		var resp *http.Response
		if resp, err = a.api.Open(ctx, c); err == nil {
			body = resp.Body
		}
		return err
	})
	return body, err
}

// Range is a stretch of time, both ends included.
type Range struct {
	Start, End time.Time

	// Server tells that the times are the service's timestamps, when fragments
	// arrived, instead of the producer's.
	Server bool
}

func (r Range) selector() string {
	if r.Server {
		return "SERVER_TIMESTAMP"
	}
	return "PRODUCER_TIMESTAMP"
}

type timeRange struct {
	StartTimestamp float64
	EndTimestamp   float64
}

func (r Range) times() timeRange { return timeRange{epochSeconds(r.Start), epochSeconds(r.End)} }

func epochSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// fromEpoch converts seconds since 1970, to the millisecond; zero to the zero Time.
func fromEpoch(s float64) time.Time {
	if !(s > 0 && s < 1e10) {
		return time.Time{}
	}
	return time.UnixMilli(int64(math.Round(s * 1000)))
}

// FragmentInfo is what the archive knows of a fragment.
type FragmentInfo struct {
	Number                   string // to be compared by length and then as text
	Bytes                    int64
	ProducerTime, ServerTime time.Time // of its first frame, and when it arrived
	Length                   time.Duration
}

// ListFragments yields the fragments that begin in a range, in whatever order the
// service has them, asking for a page of 1,000 at a time, of which there are five a
// second at most; an error ends the sequence. A range without ends means all. The
// list follows what is stored within seconds (ListFragments).
func (a *Archive) ListFragments(ctx context.Context, r Range) iter.Seq2[FragmentInfo, error] {
	type selector struct {
		FragmentSelectorType string
		TimestampRange       timeRange
	}
	in := struct {
		naming
		FragmentSelector *selector `json:",omitempty"`
		MaxResults       int
		NextToken        string `json:",omitempty"`
	}{naming: a.naming(), MaxResults: 1000}
	if !r.Start.IsZero() || !r.End.IsZero() {
		in.FragmentSelector = &selector{r.selector(), r.times()}
	}
	return func(yield func(FragmentInfo, error) bool) {
		in := in
		var pages awsapi.Pages
		for more := true; more; {
			var out struct {
				Fragments []struct {
					FragmentNumber               string
					FragmentSizeInBytes          int64
					ProducerTimestamp            float64
					ServerTimestamp              float64
					FragmentLengthInMilliseconds int64
				}
				NextToken string
			}
			in.NextToken = pages.Token
			err := a.do(ctx, "LIST_FRAGMENTS", "/listFragments", "ListFragments", in, &out)
			if err == nil {
				more, err = pages.Next("kvsmedia: ListFragments", out.NextToken, len(out.Fragments))
			}
			if err != nil {
				yield(FragmentInfo{}, err)
				return
			}
			for _, f := range out.Fragments {
				if !yield(FragmentInfo{
					f.FragmentNumber, f.FragmentSizeInBytes, fromEpoch(f.ProducerTimestamp), fromEpoch(f.ServerTimestamp),
					time.Duration(f.FragmentLengthInMilliseconds) * time.Millisecond,
				}, nil) {
					return
				}
			}
		}
	}
}

// Media is media that is being read. Close ends it.
type Media struct {
	*Reader
	body io.Closer
}

// Close ends the reading and frees the connection.
func (m *Media) Close() error { return m.body.Close() }

// From says where [Archive.Media] begins. One field is to be set; the zero From
// is the oldest fragment.
type From struct {
	Now          bool      // the next fragment to come
	After        string    // the fragment behind the one of this number
	Token        string    // where other media ended: its Tags have AWS_KINESISVIDEO_CONTINUATION_TOKEN
	ProducerTime time.Time // the first fragment from this producer timestamp on
	ServerTime   time.Time // the first fragment from this server timestamp on
}

// Media reads the stream from a place on, also while it is being written: up to
// the end that the service sets, some seconds after the newest fragment, or until
// ctx ends (GetMedia). Trouble of the service in the midst of it is a
// [*StreamError] of the Reader.
func (a *Archive) Media(ctx context.Context, from From) (*Media, error) {
	type selector struct {
		StartSelectorType   string
		AfterFragmentNumber string  `json:",omitempty"`
		ContinuationToken   string  `json:",omitempty"`
		StartTimestamp      float64 `json:",omitempty"`
	}
	s := selector{StartSelectorType: "EARLIEST"}
	switch {
	case from.Now:
		s.StartSelectorType = "NOW"
	case from.After != "":
		s.StartSelectorType, s.AfterFragmentNumber = "FRAGMENT_NUMBER", from.After
	case from.Token != "":
		s.StartSelectorType, s.ContinuationToken = "CONTINUATION_TOKEN", from.Token
	case !from.ProducerTime.IsZero():
		s.StartSelectorType, s.StartTimestamp = "PRODUCER_TIMESTAMP", epochSeconds(from.ProducerTime)
	case !from.ServerTime.IsZero():
		s.StartSelectorType, s.StartTimestamp = "SERVER_TIMESTAMP", epochSeconds(from.ServerTime)
	}
	body, err := a.open(ctx, "GET_MEDIA", "/getMedia", "GetMedia", struct {
		naming
		StartSelector selector
	}{a.naming(), s})
	if err != nil {
		return nil, err
	}
	return &Media{NewReader(body), body}, nil
}

// MediaForFragments reads fragments by their numbers, in the order given: 1 to 1000
// of them (GetMediaForFragmentList).
func (a *Archive) MediaForFragments(ctx context.Context, numbers ...string) (*Media, error) {
	body, err := a.open(ctx, "GET_MEDIA_FOR_FRAGMENT_LIST", "/getMediaForFragmentList", "GetMediaForFragmentList", struct {
		naming
		Fragments []string
	}{a.naming(), numbers})
	if err != nil {
		return nil, err
	}
	return &Media{NewReader(body), body}, nil
}
