package kvsmediatest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// recording returns the tracks of a clip as PutMedia takes it, its first frame
// captured at a time.
func recording(t *testing.T, clip *clips.Clip, at time.Time, tracks ...*kvsmedia.Track) []byte {
	t.Helper()
	var b bytes.Buffer
	m := kvsmedia.NewMuxer(&b, tracks...)
	for _, f := range clip.Frames {
		for _, track := range tracks {
			if f.Track == track {
				f.Time = at.Add(f.PTS)
				if err := m.WriteFrame(f); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// store uploads media to the stream "door" and fails unless all is persisted.
func (c *client) store(media []byte) {
	c.t.Helper()
	resp, err := c.srv.Client().Do(c.putRequest(bytes.NewReader(media), emptyHash))
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	acks, err := io.ReadAll(resp.Body)
	if err != nil || strings.Contains(string(acks), "ERROR") || !strings.Contains(string(acks), "PERSISTED") {
		c.t.Fatalf("%s %v", acks, err)
	}
	waitIdle(c.t, c.srv)
}

// playable is a server with 20 seconds of H.264 and AAC, captured from a round
// time on.
func playable(t *testing.T) (*client, time.Time) {
	t.Helper()
	srv := kvsmediatest.NewServer(kvsmediatest.Config{Limits: kvsmediatest.Limits{Off: true}})
	t.Cleanup(func() { srv.Close() })
	c := newClient(t, srv)
	c.addStream("door", 24)
	at := time.Now().Truncate(time.Second).Add(-time.Minute)
	day := clips.Day()
	c.store(recording(t, day, at, day.Tracks[0], day.Tracks[2]))
	return c, at
}

// get returns what a URL of playback says.
func (c *client) get(url string) (status int, header http.Header, body string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), "GET", url, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	resp, err := c.srv.Client().Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(b)
}

func (c *client) fetch(url string) string {
	c.t.Helper()
	status, _, body := c.get(url)
	if status != 200 {
		c.t.Fatalf("%s: %d %s", url, status, body)
	}
	return body
}

// hls asks for a session with further parameters and returns the URL of the
// master playlist.
func (c *client) hls(parameters string) string {
	c.t.Helper()
	return c.ok("/getHLSStreamingSessionURL", `{"StreamName":"door"`+parameters+`}`)["HLSStreamingSessionURL"].(string)
}

func onDemand(at time.Time, d time.Duration) string {
	return fmt.Sprintf(`"FragmentSelectorType":"PRODUCER_TIMESTAMP","TimestampRange":{"StartTimestamp":%d,"EndTimestamp":%d}`,
		at.Unix(), at.Add(d).Unix())
}

// beside returns the URL of a reference in the document at url.
func beside(url, reference string) string {
	return url[:strings.LastIndex(url, "/")+1] + strings.ReplaceAll(reference, "&amp;", "&")
}

func first(t *testing.T, pattern, text string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no %s in %s", pattern, text)
	}
	return m[1]
}

func TestHLSOnDemand(t *testing.T) {
	c, at := playable(t)
	url := c.hls(`,"PlaybackMode":"ON_DEMAND","DisplayFragmentTimestamp":"ALWAYS","HLSFragmentSelector":{` + onDemand(at, time.Minute) + `}`)
	master := c.fetch(url)
	for _, want := range []string{`CODECS="avc1.42c01e,mp4a.40.2"`, "RESOLUTION=640x360", `#EXT-X-MEDIA:TYPE=AUDIO`} {
		if !strings.Contains(master, want) {
			t.Errorf("no %s in\n%s", want, master)
		}
	}
	playlist := c.fetch(beside(url, first(t, `(?m)^(getHLSMediaPlaylist.*)$`, master)))
	if strings.Count(playlist, "#EXTINF:2.000,\n") != 10 || !strings.HasSuffix(playlist, "#EXT-X-ENDLIST\n") ||
		!strings.Contains(playlist, "#EXT-X-PLAYLIST-TYPE:VOD\n") || strings.Contains(playlist, "#EXT-X-DISCONTINUITY\n") ||
		!strings.Contains(playlist, "#EXT-X-PROGRAM-DATE-TIME:"+at.UTC().Format("2006-01-02T15:04:05.000Z")) {
		t.Error(playlist)
	}
	status, header, body := c.get(beside(url, first(t, `#EXT-X-MAP:URI="([^"]*)"`, playlist)))
	if status != 200 || header.Get("Content-Type") != "video/mp4" || header.Get("Access-Control-Allow-Origin") != "*" || body[4:8] != "ftyp" {
		t.Error(status, header)
	}
	for _, bad := range []string{"getMP4MediaFragment.mp4?TrackNumber=3", "getMP4InitFragment.mp4?TrackNumber=1&SequenceNumber=99",
		"getMP4MediaFragment.mp4?TrackNumber=1&FragmentNumber=7"} {
		if status, _, body := c.get(beside(url, bad+"&"+url[strings.Index(url, "SessionToken"):])); status != 400 && status != 404 {
			t.Errorf("%s: %d %s", bad, status, body)
		}
	}
	if status, _, body := c.get(beside(url, "getHLSMasterPlaylist.m3u8?SessionToken=guessed")); status != 403 {
		t.Errorf("%d %s", status, body)
	}
}

// A live playlist goes on with the fragments that come, and says where time
// jumps.
func TestHLSLive(t *testing.T) {
	sub := clips.Sub()
	inBubble(t, kvsmediatest.Config{Limits: kvsmediatest.Limits{Off: true}}, func(c *client) {
		c.refused("/getHLSStreamingSessionURL", `{"StreamName":"door"}`, 404, "ResourceNotFoundException")
		c.store(recording(t, sub, time.Now(), sub.Tracks...))
		url := c.hls(`,"MaxMediaPlaylistFragmentResults":12,"HLSFragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP"},
			"DiscontinuityMode":"ON_DISCONTINUITY"`)
		media := beside(url, first(t, `(?m)^(getHLSMediaPlaylist.*)$`, c.fetch(url)))
		playlist := c.fetch(media)
		if strings.Count(playlist, "#EXTINF") != 10 || !strings.Contains(playlist, "#EXT-X-MEDIA-SEQUENCE:1\n") || strings.Contains(playlist, "ENDLIST") {
			t.Error(playlist)
		}
		time.Sleep(25 * time.Second)
		c.store(recording(t, sub, time.Now(), sub.Tracks...))
		playlist = c.fetch(media)
		if strings.Count(playlist, "#EXT-X-DISCONTINUITY\n") != 1 || !strings.Contains(playlist, "#EXT-X-MEDIA-SEQUENCE:9\n") {
			t.Error(playlist)
		}
		time.Sleep(31 * time.Second)
		if status, _, body := c.get(media); status != 404 {
			t.Errorf("%d %s", status, body)
		}
		time.Sleep(5 * time.Minute)
		if status, _, body := c.get(media); status != 403 {
			t.Errorf("%d %s", status, body)
		}
		synctest.Wait()
	})
}

// LIVE_REPLAY shows one more fragment each time that one has been played.
func TestHLSLiveReplay(t *testing.T) {
	sub := clips.Sub()
	inBubble(t, kvsmediatest.Config{Limits: kvsmediatest.Limits{Off: true}}, func(c *client) {
		at := time.Now()
		c.store(recording(t, sub, at, sub.Tracks...))
		url := c.hls(fmt.Sprintf(`,"PlaybackMode":"LIVE_REPLAY","MaxMediaPlaylistFragmentResults":3,
			"HLSFragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP","TimestampRange":{"StartTimestamp":%d}}`, at.Unix()+4))
		media := beside(url, first(t, `(?m)^(getHLSMediaPlaylist.*)$`, c.fetch(url)))
		for i := range 4 {
			playlist := c.fetch(media)
			if strings.Count(playlist, "#EXTINF") != 3 || !strings.Contains(playlist, fmt.Sprintf("#EXT-X-MEDIA-SEQUENCE:%d\n", i+1)) {
				t.Error(playlist)
			}
			time.Sleep(2 * time.Second)
		}
	})
}

// Media that the players cannot take is refused with the exception for it.
func TestUnplayable(t *testing.T) {
	day, hevc := clips.Day(), clips.HEVC()
	for _, test := range []struct {
		name, want string
		media      func(*testing.T, time.Time) []byte
	}{
		{"Opus", "UnsupportedStreamMediaTypeException", func(t *testing.T, at time.Time) []byte {
			return recording(t, day, at, day.Tracks[0], day.Tracks[1])
		}},
		{"no codec private data", "MissingCodecPrivateDataException", func(*testing.T, time.Time) []byte {
			return bytes.Join([][]byte{header(video(1)), cluster(uint64(time.Now().UnixMilli()), 0)}, nil)
		}},
		{"broken codec private data", "InvalidCodecPrivateDataException", func(*testing.T, time.Time) []byte {
			v := video(1)
			v.CodecPrivate = []byte("avcC")
			return bytes.Join([][]byte{header(v), cluster(uint64(time.Now().UnixMilli()), 0)}, nil)
		}},
		{"sound before the picture", "UnsupportedStreamMediaTypeException", func(t *testing.T, at time.Time) []byte {
			return recording(t, day, at, day.Tracks[2], day.Tracks[0])
		}},
		{"H.265", "", func(t *testing.T, at time.Time) []byte { return recording(t, hevc, at, hevc.Tracks...) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, kvsmediatest.Config{Limits: kvsmediatest.Limits{Off: true}}, func(c *client) {
				at := time.Now()
				c.store(test.media(t, at))
				body := `{"StreamName":"door","PlaybackMode":"ON_DEMAND","HLSFragmentSelector":{` + onDemand(at, time.Minute) + `}}`
				if test.want == "" {
					c.ok("/getHLSStreamingSessionURL", body)
					return
				}
				c.refused("/getHLSStreamingSessionURL", body, 400, test.want)
				c.refused("/getClip", `{"StreamName":"door","ClipFragmentSelector":{`+onDemand(at, time.Minute)+`}}`, 400, test.want)
			})
		})
	}
	inBubble(t, kvsmediatest.Config{}, func(c *client) {
		c.addStream("live", 0)
		c.refused("/getHLSStreamingSessionURL", `{"StreamName":"live"}`, 400, "NoDataRetentionException")
		c.refused("/getDASHStreamingSessionURL", `{"StreamName":"live"}`, 400, "NoDataRetentionException")
		for _, bad := range []string{`"PlaybackMode":"ON_DEMAND"`, `"Expires":299`, `"PlaybackMode":"live"`, `"MaxMediaPlaylistFragmentResults":0`} {
			time.Sleep(time.Second)
			c.refused("/getHLSStreamingSessionURL", `{"StreamName":"door",`+bad+`}`, 400, "InvalidArgumentException")
		}
	})
}

// A change of the parameter sets is a discontinuity with another initialization
// segment; a change of the tracks is refused. Of two fragments that begin at the
// same time the newer one is played.
func TestChangesInASession(t *testing.T) {
	day, sub := clips.Day(), clips.Sub()
	inBubble(t, kvsmediatest.Config{Limits: kvsmediatest.Limits{Off: true}}, func(c *client) {
		at := time.Now()
		c.store(recording(t, sub, at, sub.Tracks...))
		c.store(recording(t, sub, at, sub.Tracks...))
		c.store(recording(t, day, at.Add(20*time.Second), day.Tracks[0]))
		url := c.hls(`,"PlaybackMode":"ON_DEMAND","HLSFragmentSelector":{` + onDemand(at, time.Hour) + `}`)
		playlist := c.fetch(beside(url, first(t, `(?m)^(getHLSMediaPlaylist.*)$`, c.fetch(url))))
		if strings.Count(playlist, "#EXTINF:") != 20 || strings.Count(playlist, "#EXT-X-MAP:") != 2 || strings.Count(playlist, "#EXT-X-DISCONTINUITY\n") != 1 {
			t.Error(playlist)
		}
		dash := c.ok("/getDASHStreamingSessionURL", `{"StreamName":"door","PlaybackMode":"ON_DEMAND","DASHFragmentSelector":{`+onDemand(at, time.Hour)+`}}`)
		if manifest := c.fetch(dash["DASHStreamingSessionURL"].(string)); strings.Count(manifest, "<Period ") != 2 {
			t.Error(manifest)
		}
		c.store(recording(t, day, at.Add(40*time.Second), day.Tracks[0], day.Tracks[2]))
		c.refused("/getHLSStreamingSessionURL", `{"StreamName":"door","PlaybackMode":"ON_DEMAND","HLSFragmentSelector":{`+onDemand(at, time.Hour)+`}}`,
			400, "UnsupportedStreamMediaTypeException")
	})
}

// A token is good for what it was given for.
func TestTokens(t *testing.T) {
	sub := clips.Sub()
	inBubble(t, kvsmediatest.Config{Limits: kvsmediatest.Limits{Off: true}}, func(c *client) {
		at := time.Now()
		c.store(recording(t, sub, at, sub.Tracks...))
		c.addStream("other", 24)
		selector := `"FragmentSelector":{` + onDemand(at, time.Minute) + `}`
		token := c.ok("/listFragments", `{"StreamName":"door","MaxResults":2,`+selector+`}`)["NextToken"].(string)
		c.ok("/listFragments", fmt.Sprintf(`{"StreamName":"door","NextToken":%q,%s}`, token, selector))
		for _, bad := range []string{`"StreamName":"other",` + selector, `"StreamName":"door"`, `"StreamName":"door","FragmentSelector":{` + onDemand(at, time.Hour) + `}`} {
			c.refused("/listFragments", fmt.Sprintf(`{"NextToken":%q,%s}`, token, bad), 400, "InvalidArgumentException")
		}

		url := c.hls("")
		playlist := beside(url, first(t, `(?m)^(getHLSMediaPlaylist.*)$`, c.fetch(url)))
		media := beside(url, first(t, `(?m)^(getMP4MediaFragment.*)$`, c.fetch(playlist)))
		c.fetch(media)
		for bad, want := range map[string]int{
			regexp.MustCompile(`SessionToken=\w+`).ReplaceAllString(media, "SessionToken="):         400,
			regexp.MustCompile(`SessionToken=\w+`).ReplaceAllString(media, "SessionToken=guessed"):  403,
			strings.Replace(media, "/hls/", "/dash/", 1):                                            403, // a token of HLS
			regexp.MustCompile(`SequenceNumber=\d+`).ReplaceAllString(media, "SequenceNumber=4"):    404,
			regexp.MustCompile(`FragmentNumber=\d+`).ReplaceAllString(media, "FragmentNumber=9134"): 404,
			regexp.MustCompile(`TrackNumber=\d+`).ReplaceAllString(media, "TrackNumber=7"):          400,
		} {
			if status, _, body := c.get(bad); status != want {
				t.Errorf("%s: %d %s, want %d", bad, status, body, want)
			}
		}
	})
}

// A further session ends the oldest.
func TestSessions(t *testing.T) {
	sub := clips.Sub()
	inBubble(t, kvsmediatest.Config{Limits: kvsmediatest.Limits{Sessions: 2, Rates: map[string]kvsmediatest.Rate{"GetHLSMasterPlaylist": {Stream: 1}}}}, func(c *client) {
		c.store(recording(t, sub, time.Now(), sub.Tracks...))
		oldest, second := c.hls(""), c.hls("")
		c.fetch(oldest)
		if status, _, body := c.get(oldest); status != 400 || !strings.Contains(body, "rate") {
			t.Errorf("%d %s", status, body)
		}
		time.Sleep(time.Second)
		c.hls("")
		if status, _, _ := c.get(oldest); status != 403 {
			t.Error(status)
		}
		c.fetch(second)
	})
}

// Without retention media can be read from the host buffer for five minutes.
func TestHostBuffer(t *testing.T) {
	inBubble(t, kvsmediatest.Config{Dir: t.TempDir()}, func(c *client) {
		c.addStream("live", 0)
		p := c.put("x-amzn-stream-name", "live")
		p.write(header(video(1)), cluster(1000, 0))
		p.end()
		p.rest()
		const body = `{"StreamName":"live","StartSelector":{"StartSelectorType":"EARLIEST"}}`
		if got := c.read("/getMedia", body); len(got) != 1 {
			t.Errorf("%d fragments", len(got))
		}
		time.Sleep(5 * time.Minute)
		if got := c.read("/getMedia", body); len(got) != 0 {
			t.Errorf("%d fragments", len(got))
		}
	})
}
