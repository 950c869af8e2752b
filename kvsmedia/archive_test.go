package kvsmedia_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// scripted answers each call with the next of the answers to its path, and notes
// what was asked.
type scripted struct {
	t       *testing.T
	answers map[string][]string
	asked   []string
}

func (s *scripted) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		s.t.Error(err)
	}
	sorted, err := json.Marshal(fields) // by name
	if err != nil {
		s.t.Error(err)
	}
	s.asked = append(s.asked, r.URL.Host+r.URL.Path+" "+string(sorted))
	resp := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r}
	list := s.answers[r.URL.Path]
	switch {
	case len(list) == 0:
		resp.StatusCode = http.StatusNotFound
		resp.Header.Set("X-Amzn-ErrorType", "ResourceNotFoundException")
		list = []string{`{"Message":"no such thing"}`}
	case len(list) > 1:
		s.answers[r.URL.Path] = list[1:]
	}
	resp.Body = io.NopCloser(strings.NewReader(list[0]))
	return resp, nil
}

func newArchive(t *testing.T, answers map[string][]string) (*kvsmedia.Archive, *scripted) {
	t.Helper()
	s := &scripted{t: t, answers: answers}
	answers["/getDataEndpoint"] = []string{`{"DataEndpoint":"https://data.test"}`}
	a, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{Stream: door, AWS: aws.Config{
		Region: "eu-west-1", BaseEndpoint: aws.String("https://control.test"), HTTPClient: s,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, nil
		}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return a, s
}

var (
	noon  = time.Date(2026, 6, 1, 12, 0, 0, 500e6, time.UTC)
	later = noon.Add(10 * time.Minute)
)

func TestArchiveRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, s := newArchive(t, map[string][]string{
			"/listFragments": {
				`{"Fragments":[{"FragmentNumber":"91","FragmentSizeInBytes":7,"ProducerTimestamp":1780315200.5,"ServerTimestamp":1.7803152011E9,"FragmentLengthInMilliseconds":2000}],"NextToken":"more"}`,
				`{"Fragments":[{"FragmentNumber":"92"}]}`,
			},
			"/getImages": {
				`{"Images":[{"TimeStamp":1780315200.5,"ImageContent":"/9j/"},{"TimeStamp":1780315203.5,"Error":"NO_MEDIA"}],"NextToken":"more"}`,
				`{"Images":[{"TimeStamp":1780315206.5,"Error":"MEDIA_ERROR"}]}`, `{}`, `{}`,
			},
			"/getClip":                    {"mp4"},
			"/getMedia":                   {""},
			"/getMediaForFragmentList":    {""},
			"/getHLSStreamingSessionURL":  {`{"HLSStreamingSessionURL":"https://hls.test/x"}`},
			"/getDASHStreamingSessionURL": {`{"DASHStreamingSessionURL":"https://dash.test/x"}`},
		})
		ctx := t.Context()
		ok := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		r := kvsmedia.Range{Start: noon, End: later}
		var got []string
		for f, err := range a.ListFragments(ctx, r) {
			ok(err)
			got = append(got, fmt.Sprint(f.Number, f.Bytes, f.ProducerTime.UTC(), f.Length))
		}
		want(t, "fragments", got, "917 2026-06-01 12:00:00.5 +0000 UTC 2s", "920 0001-01-01 00:00:00 +0000 UTC 0s")
		got = nil
		for i, err := range a.Images(ctx, kvsmedia.ImageRequest{Range: r, Quality: 90, Width: 640}) {
			ok(err)
			got = append(got, fmt.Sprintf("%x %v %t", i.Data, i.Err, errors.Is(i.Err, kvsmedia.ErrNoMedia)))
		}
		want(t, "images", got, "ffd8ff <nil> false", " no media at this time true", " kvsmedia: the service made no picture: MEDIA_ERROR false")
		clip, err := a.Clip(ctx, kvsmedia.Range{Start: noon, End: later, Server: true})
		ok(err)
		b, err := io.ReadAll(clip)
		if ok(err); string(b) != "mp4" {
			t.Errorf("clip: %q", b)
		}
		ok(clip.Close())
		for _, from := range []kvsmedia.From{{}, {Now: true}, {After: "91"}, {Token: "tok"}, {ProducerTime: noon}, {ServerTime: noon}} {
			m, err := a.Media(ctx, from)
			ok(err)
			ok(m.Close())
		}
		m, err := a.MediaForFragments(ctx, "91", "92")
		ok(err)
		ok(m.Close())
		for _, p := range []kvsmedia.Playback{{}, {Range: kvsmedia.Range{Start: noon}}, {Range: r, Expires: time.Hour, MaxFragments: 7, MPEGTS: true}} {
			url, err := a.HLSURL(ctx, p)
			if ok(err); url != "https://hls.test/x" {
				t.Error(url)
			}
		}
		url, err := a.DASHURL(ctx, kvsmedia.Playback{Range: r})
		if ok(err); url != "https://dash.test/x" {
			t.Error(url)
		}

		const at, till = `"StartTimestamp":1780315200.5`, `"EndTimestamp":1780315800.5`
		const span = `"TimestampRange":{` + till + `,` + at + `}`
		const playback = `"DisplayFragmentTimestamp":"ALWAYS",`
		endpoint := func(api string) string {
			return `control.test/getDataEndpoint {"APIName":"` + api + `","StreamName":"door"}`
		}
		image := func(from, to, token string) string {
			return `data.test/getImages {"EndTimestamp":` + to + `,"Format":"JPEG","FormatConfig":{"JPEGQuality":"90"},"ImageSelectorType":"PRODUCER_TIMESTAMP","MaxResults":25,` +
				token + `"SamplingInterval":3000,"StartTimestamp":` + from + `,"StreamName":"door","WidthPixels":640}`
		}
		media := func(selector string) string {
			return `data.test/getMedia {"StartSelector":{` + selector + `},"StreamName":"door"}`
		}
		want(t, "requests", s.asked,
			endpoint("LIST_FRAGMENTS"),
			`data.test/listFragments {"FragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP",`+span+`},"MaxResults":1000,"StreamName":"door"}`,
			`data.test/listFragments {"FragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP",`+span+`},"MaxResults":1000,"NextToken":"more","StreamName":"door"}`,
			endpoint("GET_IMAGES"),
			image("1780315200.5", "1780315497.5", ""), image("1780315200.5", "1780315497.5", `"NextToken":"more",`),
			image("1780315500.5", "1780315797.5", ""), image("1780315800.5", "1780315800.5", ""),
			endpoint("GET_CLIP"),
			`data.test/getClip {"ClipFragmentSelector":{"FragmentSelectorType":"SERVER_TIMESTAMP",`+span+`},"StreamName":"door"}`,
			endpoint("GET_MEDIA"),
			media(`"StartSelectorType":"EARLIEST"`), media(`"StartSelectorType":"NOW"`),
			media(`"AfterFragmentNumber":"91","StartSelectorType":"FRAGMENT_NUMBER"`),
			media(`"ContinuationToken":"tok","StartSelectorType":"CONTINUATION_TOKEN"`),
			media(`"StartSelectorType":"PRODUCER_TIMESTAMP",`+at), media(`"StartSelectorType":"SERVER_TIMESTAMP",`+at),
			endpoint("GET_MEDIA_FOR_FRAGMENT_LIST"),
			`data.test/getMediaForFragmentList {"Fragments":["91","92"],"StreamName":"door"}`,
			endpoint("GET_HLS_STREAMING_SESSION_URL"),
			`data.test/getHLSStreamingSessionURL {"ContainerFormat":"FRAGMENTED_MP4","DiscontinuityMode":"ON_DISCONTINUITY",`+playback+
				`"HLSFragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP"},"PlaybackMode":"LIVE","StreamName":"door"}`,
			`data.test/getHLSStreamingSessionURL {"ContainerFormat":"FRAGMENTED_MP4","DiscontinuityMode":"ON_DISCONTINUITY",`+playback+
				`"HLSFragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP","TimestampRange":{`+at+`}},"PlaybackMode":"LIVE_REPLAY","StreamName":"door"}`,
			`data.test/getHLSStreamingSessionURL {"ContainerFormat":"MPEG_TS","DiscontinuityMode":"ON_DISCONTINUITY",`+playback+
				`"Expires":3600,"HLSFragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP",`+span+`},"MaxMediaPlaylistFragmentResults":7,"PlaybackMode":"ON_DEMAND","StreamName":"door"}`,
			endpoint("GET_DASH_STREAMING_SESSION_URL"),
			`data.test/getDASHStreamingSessionURL {"DASHFragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP",`+span+`},`+playback+
				`"PlaybackMode":"ON_DEMAND","StreamName":"door"}`,
		)
	})
}

// A refusal is typed; an endpoint that leads nowhere is asked for again, once.
func TestArchiveErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, s := newArchive(t, map[string][]string{"/getClip": {"mp4"}})
		_, err := a.HLSURL(t.Context(), kvsmedia.Playback{})
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != "ResourceNotFoundException" {
			t.Errorf("got %v", err)
		}
		for range 2 {
			if _, err := a.Clip(t.Context(), kvsmedia.Range{Start: noon, End: later}); err != nil {
				t.Error(err)
			}
		}
		delete(s.answers, "/getClip")
		if _, err = a.Clip(t.Context(), kvsmedia.Range{}); !errors.As(err, &api) {
			t.Errorf("got %v", err)
		}
		calls := map[string]int{}
		for _, c := range s.asked {
			path, _, _ := strings.Cut(c, " ")
			calls[path]++
		}
		if calls["control.test/getDataEndpoint"] != 3 || calls["data.test/getClip"] != 4 || calls["data.test/getHLSStreamingSessionURL"] != 1 {
			t.Errorf("calls: %v", calls)
		}
		for _, err := range a.ListFragments(t.Context(), kvsmedia.Range{}) {
			if !errors.As(err, &api) {
				t.Errorf("got %v", err)
			}
		}
		if _, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{Stream: "front door"}); err == nil {
			t.Error("a name that no stream can have is taken")
		}
	})
}

// What is uploaded can be read while it comes.
func TestArchiveLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: videoAndSound()})
		defer s.srv.Close()
		done := make(chan error)
		go func() { done <- s.Upload(t.Context(), s.note(play(clips.Day(), 30*time.Second))) }()
		time.Sleep(5 * time.Second)
		a, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: s.aws, Stream: door})
		if err != nil {
			t.Fatal(err)
		}
		m, err := a.Media(t.Context(), kvsmedia.From{Now: true})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for f := range m.Fragments() {
			n++
			if len(f.Frames) == 0 || f.Number == "" {
				t.Errorf("%+v", f)
			}
		}
		if err := errors.Join(m.Err(), m.Close(), <-done); err != nil {
			t.Fatal(err)
		}
		if n < 12 || n > 14 {
			t.Errorf("%d fragments were read while they came", n)
		}
	})
}
