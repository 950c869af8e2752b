package kvsmedia

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

// Clip returns the media of a range as an MP4 file, of at most 100 MB or 200
// fragments (GetClip): H.264 or H.265 on the first track, and AAC or G.711 A-law
// on the second. The range should be that of a [Run], or of a part of one, with the
// same tracks throughout ([Archive.SameTracks]). The caller closes the file.
func (a *Archive) Clip(ctx context.Context, r Range) (io.ReadCloser, error) {
	type selector struct {
		FragmentSelectorType string
		TimestampRange       timeRange
	}
	return a.open(ctx, "GET_CLIP", "/getClip", "GetClip", struct {
		naming
		ClipFragmentSelector selector
	}{a.naming(), selector{r.selector(), r.times()}})
}

// ImageRequest says which pictures [Archive.Images] returns.
type ImageRequest struct {
	Range                       // of at most 300 s a call; longer ones are asked for piece by piece
	Every         time.Duration // from one picture to the next, at least 200 ms; zero means 3 s
	PNG           bool          // instead of JPEG
	Quality       int           // of JPEG, 1 to 100; zero means 80
	Width, Height int           // in pixels; zero keeps the proportions, or the size
}

// Image is a picture from the archive.
type Image struct {
	Time time.Time
	Data []byte // JPEG or PNG; nil if Err is set
	Err  error  // why there is no picture: ErrNoMedia, or that the media could not be decoded
}

// ErrNoMedia is the error of an [Image] at whose time there is no media.
var ErrNoMedia = errors.New("no media at this time")

// maxImages is the longest range of one GetImages call.
const maxImages = 300 * time.Second

const (
	imagePage    = 25       // pictures asked for at once
	maxImagePage = 64 << 20 // bytes
)

// Images yields pictures of a range in the order of time, asking for a page at a
// time; an error ends the sequence (GetImages).
func (a *Archive) Images(ctx context.Context, r ImageRequest) iter.Seq2[Image, error] {
	every := r.Every
	if every == 0 {
		every = 3 * time.Second
	}
	format, config := "JPEG", map[string]string(nil)
	if r.PNG {
		format = "PNG"
	} else if r.Quality > 0 {
		config = map[string]string{"JPEGQuality": strconv.Itoa(r.Quality)}
	}
	return func(yield func(Image, error) bool) {
		for start := r.Start; !start.After(r.End); {
			n := max((maxImages-time.Millisecond)/every, 0)
			end := start.Add(n * every)
			if end.After(r.End) {
				end = r.End
			}
			in := struct {
				naming
				ImageSelectorType            string
				StartTimestamp, EndTimestamp float64
				SamplingInterval             int64
				Format                       string
				FormatConfig                 map[string]string `json:",omitempty"`
				WidthPixels, HeightPixels    int               `json:",omitempty"`
				MaxResults                   int
				NextToken                    string `json:",omitempty"`
			}{a.naming(), r.selector(), epochSeconds(start), epochSeconds(end), every.Milliseconds(), format, config, r.Width, r.Height, imagePage, ""}
			var pages awsapi.Pages
			for more := true; more; {
				var out struct {
					Images []struct {
						TimeStamp    float64
						Error        string
						ImageContent []byte
					}
					NextToken string
				}
				in.NextToken = pages.Token
				err := a.images(ctx, in, &out)
				if err == nil {
					more, err = pages.Next("kvsmedia: GetImages", out.NextToken, len(out.Images))
				}
				if err != nil {
					yield(Image{}, err)
					return
				}
				for _, i := range out.Images {
					image := Image{Time: fromEpoch(i.TimeStamp), Data: i.ImageContent}
					switch i.Error {
					case "":
					case "NO_MEDIA":
						image.Err = ErrNoMedia
					default:
						image.Err = fmt.Errorf("kvsmedia: the service made no picture: %s", i.Error)
					}
					if !yield(image, nil) {
						return
					}
				}
			}
			start = end.Add(every)
		}
	}
}

// images makes one call, whose answer is larger than others'.
func (a *Archive) images(ctx context.Context, in, out any) error {
	body, err := a.open(ctx, "GET_IMAGES", "/getImages", "GetImages", in)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := json.NewDecoder(io.LimitReader(body, maxImagePage)).Decode(out); err != nil {
		return fmt.Errorf("kvsmedia: GetImages: the answer is not the expected JSON, or longer than %d bytes: %w", maxImagePage, err)
	}
	return nil
}

// Playback says what a player is to get.
type Playback struct {
	// Range is what is played. Without ends it is what is being recorded, live;
	// with a start alone all from there on, and what is recorded then. Of producer
	// timestamps the service plays the fragments that were ingested first, and
	// immediately after them: those of the first [Run].
	Range

	// Expires is how long the URL can be used, 5 minutes to 12 hours; zero means
	// 5 minutes.
	Expires time.Duration

	// MaxFragments is how many fragments a playlist has at most; zero means the
	// service's default, 5 live and 1000 of recordings.
	MaxFragments int

	// MPEGTS asks for MPEG-TS instead of fragmented MP4, in HLS.
	MPEGTS bool
}

func (p Playback) mode() string {
	switch {
	case p.Start.IsZero():
		return "LIVE"
	case p.End.IsZero():
		return "LIVE_REPLAY"
	}
	return "ON_DEMAND"
}

type playbackSelector struct {
	FragmentSelectorType string
	TimestampRange       *struct {
		StartTimestamp float64
		EndTimestamp   float64 `json:",omitempty"`
	} `json:",omitempty"`
}

func (p Playback) fragments() playbackSelector {
	s := playbackSelector{FragmentSelectorType: p.selector()}
	if p.Start.IsZero() {
		return s
	}
	s.TimestampRange = &struct {
		StartTimestamp float64
		EndTimestamp   float64 `json:",omitempty"`
	}{StartTimestamp: epochSeconds(p.Start)}
	if !p.End.IsZero() {
		s.TimestampRange.EndTimestamp = epochSeconds(p.End)
	}
	return s
}

// HLSURL returns the URL of a playlist for one player (GetHLSStreamingSessionURL).
// It is a secret: whoever has it can watch until it expires. The stream needs
// retention; players take H.264 or H.265 and AAC. One that is not encrypted, though the
// control plane is, is an [*EndpointError].
func (a *Archive) HLSURL(ctx context.Context, p Playback) (string, error) {
	in := struct {
		naming
		PlaybackMode                    string
		HLSFragmentSelector             playbackSelector
		ContainerFormat                 string
		DiscontinuityMode               string
		DisplayFragmentTimestamp        string
		Expires                         int `json:",omitempty"`
		MaxMediaPlaylistFragmentResults int `json:",omitempty"`
	}{a.naming(), p.mode(), p.fragments(), "FRAGMENTED_MP4", "ON_DISCONTINUITY", "ALWAYS", int(p.Expires / time.Second), p.MaxFragments}
	if p.MPEGTS {
		in.ContainerFormat = "MPEG_TS"
	}
	var out struct{ HLSStreamingSessionURL string }
	const api = "GetHLSStreamingSessionURL"
	err := a.do(ctx, "GET_HLS_STREAMING_SESSION_URL", "/getHLSStreamingSessionURL", api, in, &out)
	return a.sessionURL(out.HLSStreamingSessionURL, api, err)
}

// DASHURL returns the URL of a MPEG-DASH manifest for one player
// (GetDASHStreamingSessionURL): see [Archive.HLSURL]. It also takes G.711.
func (a *Archive) DASHURL(ctx context.Context, p Playback) (string, error) {
	in := struct {
		naming
		PlaybackMode               string
		DASHFragmentSelector       playbackSelector
		DisplayFragmentTimestamp   string
		Expires                    int `json:",omitempty"`
		MaxManifestFragmentResults int `json:",omitempty"`
	}{a.naming(), p.mode(), p.fragments(), "ALWAYS", int(p.Expires / time.Second), p.MaxFragments}
	var out struct{ DASHStreamingSessionURL string }
	const api = "GetDASHStreamingSessionURL"
	err := a.do(ctx, "GET_DASH_STREAMING_SESSION_URL", "/getDASHStreamingSessionURL", api, in, &out)
	return a.sessionURL(out.DASHStreamingSessionURL, api, err)
}

// sessionURL checks a URL that the service made: media must not come in clear.
func (a *Archive) sessionURL(url, api string, err error) (string, error) {
	if err != nil {
		return "", err
	}
	if url == "" {
		return "", fmt.Errorf("kvsmedia: %s answered without a URL", api)
	}
	control, err := a.api.Endpoint()
	if err == nil {
		address, _, _ := strings.Cut(url, "?") // what follows is secret
		err = control.Admit(address, "https")
	}
	if err != nil {
		return "", &EndpointError{api, err.Error()}
	}
	return url, nil
}
