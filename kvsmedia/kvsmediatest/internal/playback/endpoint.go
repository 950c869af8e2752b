// Package playback makes what players take of stored fragments: sessions of HLS
// and DASH, and clips.
package playback

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi/awsapitest"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/api"
)

// Config says what an Endpoint allows.
type Config struct {
	Front    *api.Front
	Now      func() time.Time // the service's clock
	Live     time.Duration    // age of the newest fragment at which a stream is no longer live
	Sessions int              // of a stream at once; 0 for any number. A further one ends the oldest

	Apart      time.Duration // that ingestion of a run may pause longer than its media do
	WholeClips bool          // clips have all of a range of producer timestamps, not its oldest run alone
}

// Endpoint serves the operations that begin playback, and the URLs of sessions. It
// is safe for concurrent use.
type Endpoint struct {
	cfg Config

	mu       sync.Mutex
	sessions []*session // oldest first
}

// New returns an endpoint.
func New(cfg Config) *Endpoint { return &Endpoint{cfg: cfg} }

// Operations returns the operations by path.
func (e *Endpoint) Operations() map[string]*api.Operation {
	return map[string]*api.Operation{
		"/getHLSStreamingSessionURL":  {Name: "GetHLSStreamingSessionURL", Run: e.hlsURL},
		"/getDASHStreamingSessionURL": {Name: "GetDASHStreamingSessionURL", Run: e.dashURL},
		"/getClip":                    {Name: "GetClip", Run: e.getClip},
	}
}

func (e *Endpoint) hlsURL(c *api.Call) (any, error) {
	ss, err := e.newSession(c, hls)
	if err != nil {
		return nil, err
	}
	return map[string]string{"HLSStreamingSessionURL": c.DataURL() + "/hls/v1/getHLSMasterPlaylist.m3u8?SessionToken=" + ss.token}, nil
}

func (e *Endpoint) dashURL(c *api.Call) (any, error) {
	ss, err := e.newSession(c, dash)
	if err != nil {
		return nil, err
	}
	return map[string]string{"DASHStreamingSessionURL": c.DataURL() + "/dash/v1/getDASHManifest.mpd?SessionToken=" + ss.token}, nil
}

// newSession checks a call for a session, and that there is something to play.
func (e *Endpoint) newSession(c *api.Call, by player) (*session, error) {
	var in sessionInput
	st, err := c.StreamOf(&in, &in.Named)
	if err != nil {
		return nil, err
	}
	ss := &session{endpoint: e, stream: st, by: by, token: rand.Text(), created: e.cfg.Now()}
	if err := ss.set(&in); err != nil {
		return nil, err
	}
	if st.RetentionHours() == 0 {
		return nil, api.NoRetention(st)
	}
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if err := ss.update(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now, own := e.cfg.Now(), 0
	e.sessions = slices.DeleteFunc(e.sessions, func(o *session) bool { return !now.Before(o.expires) || o.stream.Deleted() })
	for _, o := range e.sessions {
		if o.stream == st {
			own++
		}
	}
	if n := e.cfg.Sessions; n > 0 && own >= n {
		oldest := slices.IndexFunc(e.sessions, func(o *session) bool { return o.stream == st })
		e.sessions = slices.Delete(e.sessions, oldest, oldest+1)
	}
	e.sessions = append(e.sessions, ss)
	return ss, nil
}

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

// Plays reports whether a path is one of a session's URLs.
func Plays(path string) bool {
	_, ok := playbacks[path]
	return ok
}

// ServeHTTP serves the URLs of sessions.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := playbacks[r.URL.Path]
	if err := e.cfg.Front.Core.Call(r.Context(), p.name); err != nil {
		e.cfg.Front.Refuse(w, p.name, err)
		return
	}
	ss, err := e.session(r.URL.Query().Get("SessionToken"), p.by)
	if err == nil {
		err = e.cfg.Front.Pace(p.name, ss.token)
	}
	var body []byte
	var mime string
	if err == nil {
		ss.mu.Lock()
		body, mime, err = p.run(ss, w, r)
		ss.mu.Unlock()
	}
	if err != nil {
		e.cfg.Front.Refuse(w, p.name, err)
		return
	}
	w.Header().Set("Content-Type", mime)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // a player that is gone needs no answer
}

func (e *Endpoint) session(token string, by player) (*session, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.cfg.Now()
	for _, ss := range e.sessions {
		if ss.token == token && ss.by == by && now.Before(ss.expires) && !ss.stream.Deleted() {
			return ss, nil
		}
	}
	if token == "" {
		return nil, api.Invalid("SessionToken is required.")
	}
	return nil, awsapitest.Errorf(http.StatusForbidden, "NotAuthorizedException", "The session token is expired or none of this service's.")
}
