package playback

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
)

// manifest is a Media Presentation Description, ISO/IEC 23009-1. Each change of a
// track's codec private data begins a period.
func (ss *session) manifest(http.ResponseWriter, *http.Request) ([]byte, string, error) {
	if err := ss.update(); err != nil {
		return nil, "", err
	}
	list := ss.window()
	out := mpd{
		XMLNS: "urn:mpeg:dash:schema:mpd:2011", Names: "urn:smartcam:kvs", Profiles: "urn:mpeg:dash:profile:isoff-main:2011", Type: "static",
		MinBufferTime: "PT2S",
	}
	last := list[len(list)-1]
	length := time.Duration(0)
	for i := range last.tracks {
		length = max(length, ss.start(last)-ss.start(list[0])+ss.length(last, i))
	}
	if ss.mode == "ON_DEMAND" {
		out.Duration = duration(length)
	} else {
		out.Type = "dynamic"
		out.MinimumUpdatePeriod = duration(max(last.length, time.Second))
		out.AvailabilityStart = ss.entries[0].at.UTC().Format("2006-01-02T15:04:05.000Z")
		out.PublishTime = ss.endpoint.cfg.Now().UTC().Format("2006-01-02T15:04:05.000Z")
		out.TimeShift = duration(length)
		out.Clock = &descriptor{"urn:mpeg:dash:utc:direct:2014", out.PublishTime}
	}
	origin := time.Duration(0) // of the presentation
	if ss.mode == "ON_DEMAND" {
		origin = ss.start(list[0])
	}
	for n := 0; n < len(list); {
		end := n + 1
		for end < len(list) && list[end].init == list[n].init {
			end++
		}
		out.Periods = append(out.Periods, ss.period(list[n:end], origin))
		n = end
	}
	b, err := xml.MarshalIndent(out, "", " ")
	return append([]byte(xml.Header), b...), "application/dash+xml", err
}

// period describes entries that have the same tracks.
func (ss *session) period(list []*entry, origin time.Duration) period {
	start := ss.start(list[0])
	p := period{ID: strconv.Itoa(list[0].init + 1), Start: duration(start - origin)}
	for i, t := range list[0].tracks {
		number := strconv.Itoa(i + 1)
		set := adaptationSet{MimeType: "audio/mp4", SegmentAlignment: true}
		r := representation{ID: number, Codecs: t.codecs, Bandwidth: 128_000, SampleRate: t.SampleRate}
		if t.Codec.Video() {
			set.MimeType = "video/mp4"
			r.Width, r.Height = t.Width, t.Height
			r.Bandwidth = int64(float64(list[0].Size()*8) / max(list[0].length.Seconds(), 0.1))
		}
		r.List.Timescale, r.List.Offset = 1000, start.Milliseconds()
		r.List.Init.URL = ss.uri("getMP4InitFragment.mp4", "TrackNumber", number, "SequenceNumber", strconv.Itoa(list[0].init+1))
		for _, e := range list {
			s := timelineEntry{T: ss.start(e).Milliseconds(), D: ss.length(e, i).Milliseconds()}
			if ss.numbers {
				s.Number = e.Number
			}
			if ss.stamps {
				s.Time = api.Decimal(e.at)
			}
			r.List.Timeline = append(r.List.Timeline, s)
			r.List.URLs = append(r.List.URLs, segmentURL{ss.fragmentURI(e, number)})
		}
		set.Representations = []representation{r}
		p.Sets = append(p.Sets, set)
	}
	return p
}

func duration(d time.Duration) string { return fmt.Sprintf("PT%.3fS", d.Seconds()) }

type mpd struct {
	XMLName             xml.Name    `xml:"MPD"`
	XMLNS               string      `xml:"xmlns,attr"`
	Names               string      `xml:"xmlns:kvs,attr"`
	Profiles            string      `xml:"profiles,attr"`
	Type                string      `xml:"type,attr"`
	AvailabilityStart   string      `xml:"availabilityStartTime,attr,omitempty"`
	PublishTime         string      `xml:"publishTime,attr,omitempty"`
	MinimumUpdatePeriod string      `xml:"minimumUpdatePeriod,attr,omitempty"`
	TimeShift           string      `xml:"timeShiftBufferDepth,attr,omitempty"`
	Duration            string      `xml:"mediaPresentationDuration,attr,omitempty"`
	MinBufferTime       string      `xml:"minBufferTime,attr"`
	Periods             []period    `xml:"Period"`
	Clock               *descriptor `xml:"UTCTiming"`
}

type descriptor struct {
	Scheme string `xml:"schemeIdUri,attr"`
	Value  string `xml:"value,attr"`
}

type period struct {
	ID    string          `xml:"id,attr"`
	Start string          `xml:"start,attr"`
	Sets  []adaptationSet `xml:"AdaptationSet"`
}

type adaptationSet struct {
	MimeType         string           `xml:"mimeType,attr"`
	SegmentAlignment bool             `xml:"segmentAlignment,attr"`
	Representations  []representation `xml:"Representation"`
}

type representation struct {
	ID         string `xml:"id,attr"`
	Codecs     string `xml:"codecs,attr"`
	Bandwidth  int64  `xml:"bandwidth,attr"`
	Width      int    `xml:"width,attr,omitempty"`
	Height     int    `xml:"height,attr,omitempty"`
	SampleRate int    `xml:"audioSamplingRate,attr,omitempty"`
	List       struct {
		Timescale int   `xml:"timescale,attr"`
		Offset    int64 `xml:"presentationTimeOffset,attr"`
		Init      struct {
			URL string `xml:"sourceURL,attr"`
		} `xml:"Initialization"`
		Timeline []timelineEntry `xml:"SegmentTimeline>S"`
		URLs     []segmentURL    `xml:"SegmentURL"`
	} `xml:"SegmentList"`
}

// timelineEntry tells a fragment's number and time by the service's attributes
// (DisplayFragmentNumber, DisplayFragmentTimestamp), whose namespace is unknown.
type timelineEntry struct {
	T      int64  `xml:"t,attr"`
	D      int64  `xml:"d,attr"`
	Number string `xml:"kvs:fn,attr,omitempty"`
	Time   string `xml:"kvs:ts,attr,omitempty"`
}

type segmentURL struct {
	Media string `xml:"media,attr"`
}
