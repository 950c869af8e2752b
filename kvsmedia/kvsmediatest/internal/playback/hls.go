package playback

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/internal/mp4"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

const (
	playlistType = "application/vnd.apple.mpegurl"
	mp4Type      = "video/mp4"
)

// masterPlaylist lists the tracks, RFC 8216 section 4.3.4.
func (ss *session) masterPlaylist(http.ResponseWriter, *http.Request) ([]byte, string, error) {
	if err := ss.update(); err != nil {
		return nil, "", err
	}
	e := ss.entries[len(ss.entries)-1]
	bandwidth := int64(float64(e.Size()*8) / max(e.length.Seconds(), 0.1))
	var b strings.Builder
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n")
	codecs := e.tracks[0].codecs
	first := fmt.Sprintf("#EXT-X-STREAM-INF:BANDWIDTH=%d", bandwidth)
	if t := e.tracks[0]; t.Codec.Video() {
		first += fmt.Sprintf(",RESOLUTION=%dx%d", t.Width, t.Height)
	}
	if len(e.tracks) > 1 && ss.transport { // both are in one stream
		codecs += "," + e.tracks[1].codecs
	} else if len(e.tracks) > 1 {
		fmt.Fprintf(&b, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"audio\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"%d\",URI=%q\n",
			e.tracks[1].Channels, ss.uri("getHLSMediaPlaylist.m3u8", "TrackNumber", "2"))
		codecs += "," + e.tracks[1].codecs
		first += `,AUDIO="audio"`
	}
	fmt.Fprintf(&b, "%s,CODECS=%q\n%s\n", first, codecs, ss.uri("getHLSMediaPlaylist.m3u8", "TrackNumber", "1"))
	return []byte(b.String()), playlistType, nil
}

// uri returns a reference to another URL of the session.
func (ss *session) uri(file string, pairs ...string) string {
	q := url.Values{"SessionToken": {ss.token}}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return file + "?" + q.Encode()
}

// mediaPlaylist lists the fragments of one track, RFC 8216 section 4.3.3.
func (ss *session) mediaPlaylist(_ http.ResponseWriter, r *http.Request) ([]byte, string, error) {
	if err := ss.update(); err != nil {
		return nil, "", err
	}
	i, err := ss.track(r)
	if err != nil {
		return nil, "", err
	}
	number := strconv.Itoa(i + 1)
	list := ss.window()
	target := 1.0
	for _, e := range list {
		target = max(target, math.Round(e.length.Seconds()))
	}
	passed := 0 // discontinuities
	for _, e := range ss.entries[:list[0].index] {
		if e.breaks {
			passed++
		}
	}
	var b strings.Builder
	b.WriteString("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n")
	if ss.mode == "ON_DEMAND" {
		b.WriteString("#EXT-X-PLAYLIST-TYPE:VOD\n")
	}
	fmt.Fprintf(&b, "#EXT-X-TARGETDURATION:%.0f\n#EXT-X-MEDIA-SEQUENCE:%d\n#EXT-X-DISCONTINUITY-SEQUENCE:%d\n", target, list[0].index+1, passed)
	for n, e := range list {
		if e.breaks {
			b.WriteString("#EXT-X-DISCONTINUITY\n")
		}
		if !ss.transport && (n == 0 || e.init == e.index) {
			fmt.Fprintf(&b, "#EXT-X-MAP:URI=%q\n", ss.uri("getMP4InitFragment.mp4", "TrackNumber", number, "SequenceNumber", strconv.Itoa(e.init+1)))
		}
		if ss.stamps {
			fmt.Fprintf(&b, "#EXT-X-PROGRAM-DATE-TIME:%s\n", e.at.UTC().Format("2006-01-02T15:04:05.000Z"))
		}
		fmt.Fprintf(&b, "#EXTINF:%.3f,\n%s\n", e.length.Seconds(), ss.fragmentURI(e, number))
	}
	if ss.mode == "ON_DEMAND" {
		b.WriteString("#EXT-X-ENDLIST\n")
	}
	return []byte(b.String()), playlistType, nil
}

func (ss *session) fragmentURI(e *entry, track string) string {
	file := "getMP4MediaFragment.mp4"
	if ss.transport {
		file = "getTSFragment.ts"
	}
	return ss.uri(file, "FragmentNumber", e.Number, "TrackNumber", track, "SequenceNumber", strconv.Itoa(e.index+1))
}

// initFragment describes a track as it is from one fragment on.
func (ss *session) initFragment(_ http.ResponseWriter, r *http.Request) ([]byte, string, error) {
	i, err := ss.track(r)
	if err != nil {
		return nil, "", err
	}
	n, err := strconv.Atoi(r.URL.Query().Get("SequenceNumber"))
	if err != nil || n < 1 || n > len(ss.entries) {
		return nil, "", api.Invalid("SequenceNumber names no fragment.")
	}
	b, err := mp4.AppendInit(nil, ss.alone(n-1, i))
	return b, mp4Type, err
}

// alone returns a track as it is in a file of its own.
func (ss *session) alone(entry, track int) *mp4.Track {
	t := ss.entries[entry].tracks[track].Track
	t.ID = 1
	return &t
}

// mediaFragment returns one track of one fragment.
func (ss *session) mediaFragment(_ http.ResponseWriter, r *http.Request) ([]byte, string, error) {
	i, err := ss.track(r)
	if err != nil {
		return nil, "", err
	}
	e, err := ss.entryOf(r)
	if err != nil {
		return nil, "", err
	}
	run, err := e.tracks[i].run(e.Fragment, ss.start(e))
	if err != nil {
		return nil, "", gone(err, e.Fragment)
	}
	run.Track = ss.alone(e.index, i)
	return mp4.AppendSegment(nil, uint32(e.index+1), run), mp4Type, nil
}

// entryOf returns the entry that a request names by its fragment.
func (ss *session) entryOf(r *http.Request) (*entry, error) {
	q := r.URL.Query()
	number, sequence := q.Get("FragmentNumber"), q.Get("SequenceNumber")
	n := slices.IndexFunc(ss.entries, func(e *entry) bool { return e.Number == number })
	if n < 0 || sequence != strconv.Itoa(n+1) {
		return nil, api.NotFound("The session has no fragment %q with the sequence number %q.", number, sequence)
	}
	return ss.entries[n], nil
}

// gone says what an error in reading a fragment means.
func gone(err error, f *store.Fragment) error {
	if own := (*awsapitest.Error)(nil); errors.As(err, &own) {
		return err
	}
	return api.NotFound("The fragment %s is not found: %v", f.Number, err)
}
