package kvsmediatest

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxRange      = 24 * time.Hour // of an ON_DEMAND session
	maxCPDChanges = 500            // of a session
	discontinuity = 50 * time.Millisecond
)

// session is one URL of HLS or DASH playback.
type session struct {
	svc     *Service
	stream  *stream
	by      player
	token   string
	mode    string // LIVE, LIVE_REPLAY or ON_DEMAND
	breaks  string // ALWAYS, NEVER or ON_DISCONTINUITY
	stamps  bool   // show timestamps
	numbers bool   // show fragment numbers

	transport bool // MPEG-TS instead of MP4

	choice  selector
	max     int // fragments of a playlist
	created time.Time
	expires time.Time

	mu      sync.Mutex
	entries []*entry // all that were ever listed
	changes int      // of codec private data
}

// entry is a fragment in a session.
type entry struct {
	*fragment
	index  int
	at     time.Time // by the session's selector
	length time.Duration
	breaks bool // a discontinuity stands before it
	init   int  // index of the entry whose tracks the players know
	tracks []*playTrack
}

// sessionInput is what both calls say.
type sessionInput struct {
	named
	PlaybackMode             string
	ContainerFormat          string
	DiscontinuityMode        string
	DisplayFragmentTimestamp string
	DisplayFragmentNumber    string
	Expires                  *int
	HLSFragmentSelector      *selector
	DASHFragmentSelector     *selector

	MaxMediaPlaylistFragmentResults *int
	MaxManifestFragmentResults      *int
}

func (s *Service) hlsURL(c *call) (any, error) {
	ss, err := s.newSession(c, hls)
	if err != nil {
		return nil, err
	}
	return map[string]string{"HLSStreamingSessionURL": s.dataURL(c) + "/hls/v1/getHLSMasterPlaylist.m3u8?SessionToken=" + ss.token}, nil
}

func (s *Service) dashURL(c *call) (any, error) {
	ss, err := s.newSession(c, dash)
	if err != nil {
		return nil, err
	}
	return map[string]string{"DASHStreamingSessionURL": s.dataURL(c) + "/dash/v1/getDASHManifest.mpd?SessionToken=" + ss.token}, nil
}

// newSession checks a call for a session, and that there is something to play.
func (s *Service) newSession(c *call, by player) (*session, error) {
	var in sessionInput
	st, err := c.streamOf(&in, &in.named)
	if err != nil {
		return nil, err
	}
	ss := &session{svc: s, stream: st, by: by, token: rand.Text(), created: s.now()}
	if err := ss.set(&in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	retention := st.RetentionHours
	s.mu.Unlock()
	if retention == 0 {
		return nil, noRetention(st)
	}
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if err := ss.update(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.nowLocked()
	st.sessions = slices.DeleteFunc(st.sessions, func(o *session) bool { return !now.Before(o.expires) })
	if n := s.cfg.Limits.Sessions; n > 0 && len(st.sessions) >= n {
		st.sessions = st.sessions[1:]
	}
	st.sessions = append(st.sessions, ss)
	return ss, nil
}

func noRetention(st *stream) error {
	return badRequest("NoDataRetentionException", "The stream %s does not retain data: DataRetentionInHours is 0.", st.Name)
}

// set takes what a call asks for.
func (ss *session) set(in *sessionInput) error {
	oneOf := func(name, value, standard string, values ...string) (string, error) {
		if value == "" {
			return standard, nil
		}
		if !slices.Contains(values, value) {
			return "", invalid("%s must be one of %s.", name, strings.Join(values, ", "))
		}
		return value, nil
	}
	limits := func(name string, value *int, standard, most, least int) (int, error) {
		if value == nil {
			return standard, nil
		}
		if *value < least || *value > most {
			return 0, invalid("%s must be from %d to %d.", name, least, most)
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
	if _, err := stamp(ss.choice.FragmentSelectorType); err != nil {
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
			return invalid("TimestampRange must not be given with LIVE.")
		}
	case "LIVE_REPLAY":
		if r == nil || r.StartTimestamp == nil {
			return invalid("StartTimestamp is required with LIVE_REPLAY.")
		}
	default:
		if r == nil || r.StartTimestamp == nil || r.EndTimestamp == nil {
			return invalid("StartTimestamp and EndTimestamp are required with ON_DEMAND.")
		}
		if d := timeOf(*r.EndTimestamp).Sub(timeOf(*r.StartTimestamp)); d <= 0 || d > maxRange {
			return invalid("EndTimestamp must be after StartTimestamp, by at most 24 hours.")
		}
	}
	return nil
}

// update lists the fragments that have come. ON_DEMAND lists once.
func (ss *session) update() error {
	if ss.mode == "ON_DEMAND" && len(ss.entries) > 0 {
		return nil
	}
	list := ss.svc.held(ss.stream, true)
	at, err := stamp(ss.choice.FragmentSelectorType)
	if err != nil {
		return err
	}
	if ss.mode == "LIVE" {
		if len(list) == 0 || ss.svc.now().Sub(list[len(list)-1].server) > ss.svc.cfg.Timing.Live {
			return notFound("No fragments of the stream %s were found in the last %v.", ss.stream.Name, ss.svc.cfg.Timing.Live)
		}
		if len(ss.entries) == 0 && len(list) > ss.max {
			list = list[len(list)-ss.max:]
		}
	} else if list, err = ss.choice.choose(list, ss.mode == "ON_DEMAND"); err != nil {
		return err
	}
	slices.SortStableFunc(list, func(a, b *fragment) int { return at(a).Compare(at(b)) })
	for i, f := range list {
		if i+1 < len(list) && at(list[i+1]).Equal(at(f)) {
			continue // the newer one of two that begin at the same time is played
		}
		if n := len(ss.entries); n > 0 && !at(f).After(ss.entries[n-1].at) {
			continue
		}
		if ss.mode == "ON_DEMAND" && len(ss.entries) == ss.max {
			break
		}
		if err := ss.add(f, at(f)); err != nil {
			return err
		}
	}
	if len(ss.entries) == 0 {
		return notFound("No fragments of the stream %s were found in the time range.", ss.stream.Name)
	}
	return nil
}

// add appends a fragment, which must have the tracks that the session has.
func (ss *session) add(f *fragment, at time.Time) error {
	tracks, err := describe(f.list(), ss.by)
	if err != nil {
		return err
	}
	e := &entry{fragment: f, index: len(ss.entries), at: at, length: f.length, tracks: tracks}
	if e.index > 0 {
		last := ss.entries[e.index-1]
		if len(last.tracks) != len(tracks) {
			return badRequest("UnsupportedStreamMediaTypeException", "The number of tracks changes at fragment %s.", f.number)
		}
		e.init = last.init
		for i, t := range tracks {
			if t.Codec != last.tracks[i].Codec {
				return badRequest("UnsupportedStreamMediaTypeException", "The codec of track %d changes at fragment %s.", t.ID, f.number)
			}
			if !t.same(last.tracks[i]) {
				e.init = e.index
			}
		}
		gap := at.Sub(last.at.Add(last.length))
		if gap.Abs() <= discontinuity {
			last.length = at.Sub(last.at)
		}
		e.breaks = ss.breaks == "ALWAYS" || ss.breaks == "ON_DISCONTINUITY" && gap.Abs() > discontinuity
		if e.init == e.index {
			e.breaks = true
			if ss.changes++; ss.changes > maxCPDChanges {
				return badRequest("UnsupportedStreamMediaTypeException", "The codec private data changes more than %d times.", maxCPDChanges)
			}
		}
	}
	ss.entries = append(ss.entries, e)
	return nil
}

// window returns the entries that a playlist lists now.
func (ss *session) window() []*entry {
	switch ss.mode {
	case "LIVE":
		return ss.entries[max(len(ss.entries)-ss.max, 0):]
	case "LIVE_REPLAY":
		// One more each time that one has been played.
		played := ss.svc.now().Sub(ss.created)
		from := 0
		for from < len(ss.entries)-1 && played >= ss.entries[from].length {
			played -= ss.entries[from].length
			from++
		}
		return ss.entries[from:min(from+ss.max, len(ss.entries))]
	}
	return ss.entries
}

// start returns where an entry begins on the session's timeline.
func (ss *session) start(e *entry) time.Duration { return e.at.Sub(ss.entries[0].at) }

// playback is a call of a session's URLs.
type playback struct {
	name string // of the API, as quotas count it
	by   player
	run  func(*session, http.ResponseWriter, *http.Request) ([]byte, string, error)
}

var playbacks = map[string]playback{
	"/hls/v1/getHLSMasterPlaylist.m3u8": {"GetHLSMasterPlaylist", hls, (*session).masterPlaylist},
	"/hls/v1/getHLSMediaPlaylist.m3u8":  {"GetHLSMediaPlaylist", hls, (*session).mediaPlaylist},
	"/hls/v1/getMP4InitFragment.mp4":    {"GetMP4InitFragment", hls, (*session).initFragment},
	"/hls/v1/getMP4MediaFragment.mp4":   {"GetMP4MediaFragment", hls, (*session).mediaFragment},
	"/hls/v1/getTSFragment.ts":          {"GetTSFragment", hls, (*session).tsFragment},
	"/dash/v1/getDASHManifest.mpd":      {"GetDASHManifest", dash, (*session).manifest},
	"/dash/v1/getMP4InitFragment.mp4":   {"GetMP4InitFragment", dash, (*session).initFragment},
	"/dash/v1/getMP4MediaFragment.mp4":  {"GetMP4MediaFragment", dash, (*session).mediaFragment},
}

// play serves the URLs of a session.
func (s *Service) play(w http.ResponseWriter, r *http.Request, p playback) {
	if err := s.fault(p.name, r); err != nil {
		s.refuse(w, p.name, err)
		return
	}
	ss, err := s.session(r.URL.Query().Get("SessionToken"), p.by)
	if err == nil {
		err = s.pace(p.name, ss.token)
	}
	var body []byte
	var mime string
	if err == nil {
		ss.mu.Lock()
		body, mime, err = p.run(ss, w, r)
		ss.mu.Unlock()
	}
	if err != nil {
		s.refuse(w, p.name, err)
		return
	}
	w.Header().Set("Content-Type", mime)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // a player that is gone needs no answer
}

func (s *Service) session(token string, by player) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.nowLocked()
	for _, st := range s.streams {
		for _, ss := range st.sessions {
			if ss.token == token && ss.by == by && now.Before(ss.expires) {
				return ss, nil
			}
		}
	}
	return nil, &Error{http.StatusForbidden, "NotAuthorizedException", "The session token is expired or none of this service's."}
}

// track returns the index of the track that a request names.
func (ss *session) track(r *http.Request) (int, error) {
	n, err := strconv.Atoi(r.URL.Query().Get("TrackNumber"))
	if err != nil || n < 1 || n > len(ss.entries[0].tracks) {
		return 0, invalid("TrackNumber names no track.")
	}
	return n - 1, nil
}
