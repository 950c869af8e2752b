package playback

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// maxRange is the longest range of an ON_DEMAND session.
const maxRange = 24 * time.Hour

// session is one URL of HLS or DASH playback.
type session struct {
	endpoint *Endpoint
	stream   *store.Stream
	by       player
	token    string
	mode     string // LIVE, LIVE_REPLAY or ON_DEMAND
	breaks   string // ALWAYS, NEVER or ON_DISCONTINUITY
	stamps   bool   // show timestamps
	numbers  bool   // show fragment numbers

	transport bool // MPEG-TS instead of MP4
	whole     bool // plays all of a range of producer timestamps, not its oldest run alone

	choice  api.Selector
	max     int // fragments of a playlist
	created time.Time
	expires time.Time

	mu      sync.Mutex
	entries []*entry // all that were ever listed
	changes int      // of codec private data
}

// sessionInput is what both calls say.
type sessionInput struct {
	api.Named
	PlaybackMode             string
	ContainerFormat          string
	DiscontinuityMode        string
	DisplayFragmentTimestamp string
	DisplayFragmentNumber    string
	Expires                  *int
	HLSFragmentSelector      *api.Selector
	DASHFragmentSelector     *api.Selector

	MaxMediaPlaylistFragmentResults *int
	MaxManifestFragmentResults      *int
}

// set takes what a call asks for.
func (ss *session) set(in *sessionInput) error {
	oneOf := func(name, value, standard string, values ...string) (string, error) {
		if value == "" {
			return standard, nil
		}
		if !slices.Contains(values, value) {
			return "", api.Invalid("%s must be one of %s.", name, strings.Join(values, ", "))
		}
		return value, nil
	}
	limits := func(name string, value *int, standard, most, least int) (int, error) {
		if value == nil {
			return standard, nil
		}
		if *value < least || *value > most {
			return 0, api.Invalid("%s must be from %d to %d.", name, least, most)
		}
		return *value, nil
	}
	var err error
	if ss.mode, err = oneOf("PlaybackMode", in.PlaybackMode, "LIVE", "LIVE", "LIVE_REPLAY", "ON_DEMAND"); err != nil {
		return err
	}
	format, err := oneOf("ContainerFormat", in.ContainerFormat, "FRAGMENTED_MP4", "FRAGMENTED_MP4", "MPEG_TS")
	if err != nil {
		return err
	}
	ss.transport = format == "MPEG_TS"
	expires, err := limits("Expires", in.Expires, 300, 43200, 300)
	if err != nil {
		return err
	}
	ss.expires = ss.created.Add(time.Duration(expires) * time.Second)
	choice, name, results := in.HLSFragmentSelector, "MaxMediaPlaylistFragmentResults", in.MaxMediaPlaylistFragmentResults
	if ss.by == dash {
		choice, name, results = in.DASHFragmentSelector, "MaxManifestFragmentResults", in.MaxManifestFragmentResults
	}
	standard := 5
	if ss.mode == "ON_DEMAND" {
		standard = 1000
	}
	if ss.max, err = limits(name, results, standard, 5000, 1); err != nil {
		return err
	}
	if choice != nil {
		ss.choice = *choice
	}
	if ss.choice.FragmentSelectorType == "" {
		ss.choice.FragmentSelectorType = "SERVER_TIMESTAMP"
	}
	if _, err := api.Stamp(ss.choice.FragmentSelectorType); err != nil {
		return err
	}
	if err := ss.checkRange(); err != nil {
		return err
	}
	usual := "NEVER"
	if ss.choice.FragmentSelectorType == "SERVER_TIMESTAMP" {
		usual = "ALWAYS"
	}
	if ss.breaks, err = oneOf("DiscontinuityMode", in.DiscontinuityMode, usual, "ALWAYS", "NEVER", "ON_DISCONTINUITY"); err != nil {
		return err
	}
	stamps, err := oneOf("DisplayFragmentTimestamp", in.DisplayFragmentTimestamp, "NEVER", "ALWAYS", "NEVER")
	if err != nil {
		return err
	}
	numbers, err := oneOf("DisplayFragmentNumber", in.DisplayFragmentNumber, "NEVER", "ALWAYS", "NEVER")
	ss.stamps, ss.numbers = stamps == "ALWAYS", numbers == "ALWAYS"
	return err
}

func (ss *session) checkRange() error {
	r := ss.choice.TimestampRange
	switch ss.mode {
	case "LIVE":
		if r != nil && (r.StartTimestamp != nil || r.EndTimestamp != nil) {
			return api.Invalid("TimestampRange must not be given with LIVE.")
		}
	case "LIVE_REPLAY":
		if r == nil || r.StartTimestamp == nil {
			return api.Invalid("StartTimestamp is required with LIVE_REPLAY.")
		}
	default:
		if r == nil || r.StartTimestamp == nil || r.EndTimestamp == nil {
			return api.Invalid("StartTimestamp and EndTimestamp are required with ON_DEMAND.")
		}
		if d := api.Time(*r.EndTimestamp).Sub(api.Time(*r.StartTimestamp)); d <= 0 || d > maxRange {
			return api.Invalid("EndTimestamp must be after StartTimestamp, by at most 24 hours.")
		}
	}
	return nil
}

// track returns the index of the track that a request names.
func (ss *session) track(r *http.Request) (int, error) {
	n, err := strconv.Atoi(r.URL.Query().Get("TrackNumber"))
	if err != nil || n < 1 || n > len(ss.entries[0].tracks) {
		return 0, api.Invalid("TrackNumber names no track.")
	}
	return n - 1, nil
}
