package rtsp

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/sdp"
)

// Bounds of a description.
const (
	maxSDP     = 256 << 10 // bytes
	maxMedia   = 64
	maxStreams = 16
)

// Description is what a DESCRIBE response says of streams. Its zero value is ready.
type Description struct {
	// Problems says which media and streams are left out, and why.
	Problems []error

	rates []map[uint8]int // of each medium: the clock of a payload type by its rtpmap
}

// Mend takes a response before gortsplib reads it, which refuses a description for
// one medium that it does not understand. Such media are taken out; parameter sets that
// cannot be read are taken out of the others, to come in the stream. Other responses
// are left alone.
func (d *Description) Mend(res *base.Response) {
	kind := res.Header["Content-Type"]
	if len(kind) != 1 || !strings.HasPrefix(kind[0], "application/sdp") || len(res.Body) > maxSDP {
		return
	}
	*d = Description{}
	session, media := sections(res.Body)
	if len(media) > maxMedia {
		d.Problems = append(d.Problems, fmt.Errorf("the description has %d media; more than %d are not looked into", len(media), maxMedia))
		return
	}
	mended := session
	for i, m := range media {
		err := readable(session, m)
		if err != nil {
			if bare := withoutSets(m); readable(session, bare) == nil {
				m, err = bare, nil
			}
		}
		if err != nil {
			d.Problems = append(d.Problems, fmt.Errorf("medium %d of the description (%.60q) is left out: %w", i+1, strings.TrimSpace(m[0]), err))
			continue
		}
		mended = append(mended, m...)
		d.rates = append(d.rates, rates(m))
	}
	if len(d.rates) > 0 {
		res.Body = []byte(strings.Join(mended, ""))
	}
}

// sections splits a description into the lines of the session and those of each
// medium. Groups of media, which may name one that is taken out, are left out.
func sections(body []byte) (session []string, media [][]string) {
	for line := range bytes.Lines(body) {
		switch {
		case bytes.HasPrefix(line, []byte("m=")):
			media = append(media, []string{string(line)})
		case len(media) > 0:
			media[len(media)-1] = append(media[len(media)-1], string(line))
		case !bytes.HasPrefix(line, []byte("a=group:")):
			session = append(session, string(line))
		}
	}
	return session[:len(session):len(session)], media
}

// readable returns nil if a description of one medium can be read.
func readable(session, medium []string) error {
	var s sdp.SessionDescription
	if err := s.Unmarshal([]byte(strings.Join(append(session, medium...), ""))); err != nil {
		return err
	}
	err := new(description.Session).Unmarshal(&s)
	if cause := errors.Unwrap(err); cause != nil {
		return cause // without its number, which is 1
	}
	return err
}

// withoutSets takes the parameter sets (sprop-…, RFC 6184 and 7798) out of a medium.
func withoutSets(medium []string) (bare []string) {
	for _, line := range medium {
		payload, params, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok && strings.HasPrefix(payload, "a=fmtp:") {
			var kept []string
			for param := range strings.SplitSeq(params, ";") {
				if param = strings.TrimSpace(param); !strings.HasPrefix(strings.ToLower(param), "sprop-") {
					kept = append(kept, param)
				}
			}
			line = payload + " " + strings.Join(kept, ";") + "\r\n"
		}
		bare = append(bare, line)
	}
	return bare
}

// rates returns the clock of each payload type that has an rtpmap.
func rates(medium []string) map[uint8]int {
	all := map[uint8]int{}
	for _, line := range medium {
		value, ok := strings.CutPrefix(strings.TrimSpace(line), "a=rtpmap:")
		number, encoding, _ := strings.Cut(value, " ")
		parts := strings.Split(encoding, "/")
		if !ok || len(parts) < 2 {
			continue
		}
		payload, err1 := strconv.ParseUint(number, 10, 7)
		rate, err2 := strconv.ParseUint(strings.TrimSpace(parts[1]), 10, 20)
		if err1 == nil && err2 == nil {
			all[uint8(payload)] = int(rate)
		}
	}
	return all
}

// Streams returns the streams of a session, described by the response that Mend took
// last, that a camera can use. It adds to Problems.
func (d *Description) Streams(session *description.Session) []*Stream {
	var streams []*Stream
	for i, m := range session.Medias {
		if m.IsBackChannel {
			continue
		}
		for _, f := range m.Formats {
			rate := 0
			if i < len(d.rates) {
				rate = d.rates[i][f.PayloadType()]
			}
			s, err := newStream(m, f, rate)
			if err != nil {
				d.Problems = append(d.Problems, fmt.Errorf("the %s stream (%s) is left out: %w", m.Type, f.Codec(), err))
				continue
			}
			if len(streams) == maxStreams {
				d.Problems = append(d.Problems, fmt.Errorf("more than %d streams: the others are left out", maxStreams))
				return streams
			}
			streams = append(streams, s)
		}
	}
	return streams
}
