package kvsmediatest_test

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

func TestDASHManifest(t *testing.T) {
	c, at := playable(t)
	url := c.ok("/getDASHStreamingSessionURL", `{"StreamName":"door","PlaybackMode":"ON_DEMAND","DisplayFragmentNumber":"ALWAYS","DASHFragmentSelector":{`+
		onDemand(at, time.Minute)+`}}`)["DASHStreamingSessionURL"].(string)
	var got struct {
		Type   string `xml:"type,attr"`
		Period []struct {
			AdaptationSet []struct {
				Representation struct {
					Codecs      string `xml:"codecs,attr"`
					SegmentList struct {
						SegmentURL []struct {
							Media string `xml:"media,attr"`
						}
					}
				}
			}
		}
	}
	if err := xml.Unmarshal([]byte(c.fetch(url)), &got); err != nil {
		t.Fatal(err)
	}
	if got.Type != "static" || len(got.Period) != 1 || len(got.Period[0].AdaptationSet) != 2 ||
		got.Period[0].AdaptationSet[1].Representation.Codecs != "mp4a.40.2" || len(got.Period[0].AdaptationSet[0].Representation.SegmentList.SegmentURL) != 10 {
		t.Errorf("%+v", got)
	}
	c.fetch(beside(url, got.Period[0].AdaptationSet[1].Representation.SegmentList.SegmentURL[9].Media))
}

func TestDASHLive(t *testing.T) {
	sub := clips.Sub()
	inBubble(t, kvsmediatest.Config{Limits: kvsmediatest.Limits{Off: true}}, func(c *client) {
		at := time.Now()
		c.store(recording(t, sub, at, sub.Tracks...))
		url := c.ok("/getDASHStreamingSessionURL", `{"StreamName":"door","DASHFragmentSelector":{"FragmentSelectorType":"PRODUCER_TIMESTAMP"}}`)["DASHStreamingSessionURL"].(string)
		manifest := c.fetch(url)
		for _, want := range []string{`type="dynamic"`, `availabilityStartTime="` + at.Add(10*time.Second).UTC().Format("2006-01-02T15:04:05.000Z"), `minimumUpdatePeriod="PT`,
			`<UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="` + time.Now().UTC().Format("2006-01-02T15:04:05.000Z") + `">`} {
			if !strings.Contains(manifest, want) {
				t.Errorf("no %s in %s", want, manifest)
			}
		}
	})
}

// The presentation is as long as its sound, also where that ends after the picture:
// at the end and before a gap.
func TestDASHCoversSound(t *testing.T) {
	day := clips.Day()
	tail := &clips.Clip{Tracks: day.Tracks}
	for _, f := range day.Frames {
		if f.PTS < 4*time.Second || f.Track == day.Tracks[2] && f.PTS < 5500*time.Millisecond {
			tail.Frames = append(tail.Frames, f)
		}
	}
	inBubble(t, kvsmediatest.Config{Limits: kvsmediatest.Limits{Off: true}}, func(c *client) {
		at := time.Now().Truncate(time.Second)
		for _, start := range []time.Duration{0, 10 * time.Second} {
			c.store(recording(t, tail, at.Add(start), day.Tracks[0], day.Tracks[2]))
		}
		url := c.ok("/getDASHStreamingSessionURL", `{"StreamName":"door","PlaybackMode":"ON_DEMAND","DisplayFragmentTimestamp":"ALWAYS",
			"DisplayFragmentNumber":"ALWAYS","DASHFragmentSelector":{`+onDemand(at, time.Minute)+`}}`)["DASHStreamingSessionURL"].(string)
		var got struct {
			Length string `xml:"mediaPresentationDuration,attr"`
			Sets   []struct {
				S []struct {
					T  int    `xml:"t,attr"`
					D  int    `xml:"d,attr"`
					Fn string `xml:"fn,attr"`
					Ts string `xml:"ts,attr"`
				} `xml:"Representation>SegmentList>SegmentTimeline>S"`
			} `xml:"Period>AdaptationSet"`
		}
		manifest := c.fetch(url)
		if err := xml.Unmarshal([]byte(manifest), &got); err != nil {
			t.Fatal(err)
		}
		length, err := time.ParseDuration(strings.ToLower(strings.TrimPrefix(got.Length, "PT")))
		if err != nil || length < 15500*time.Millisecond || length > 15530*time.Millisecond || len(got.Sets) != 2 || len(got.Sets[0].S) != 4 {
			t.Fatalf("%v %v in %s", length, err, manifest)
		}
		for _, i := range []int{1, 3} { // the second fragments
			if d := got.Sets[0].S[i].D; d < 1990 || d > 2010 {
				t.Errorf("the pictures of fragment %d have %d ms", i, d)
			}
			if d := got.Sets[1].S[i].D; d < 3500 || d > 3530 {
				t.Errorf("the sound of fragment %d has %d ms", i, d)
			}
		}
		fragment := c.srv.Fragments("door")[1]
		if s := got.Sets[0].S[1]; s.Fn != fragment.Number || s.Ts != fmt.Sprintf("%d.000", fragment.ProducerTime.Unix()) {
			t.Errorf("%+v, want those of %+v", s, fragment)
		}
	})
}
