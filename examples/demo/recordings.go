package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/aws/smithy-go"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

const (
	kept     = time.Hour              // how long the demo's stream keeps its media
	relist   = 2 * time.Second        // how old the list of what is recorded may be
	overlap  = 10 * time.Second       // that is listed again, as the list follows what is stored
	joined   = 500 * time.Millisecond // a gap that is none to the eye
	playable = 10 * time.Minute       // of a session's URL
	longest  = 20 * time.Second       // of a fragment: so long before a time the one that has it may begin
	seam     = 100 * time.Millisecond // by which a playlist may end before its media
	playlist = 1000                   // fragments of one
)

// recordings tells the page what is recorded, and lets it play it, with the
// owner's credentials.
type recordings struct {
	archive *kvsmedia.Archive
	local   bool // the page's server serves what is played
	log     *slog.Logger

	mu     sync.Mutex
	listed time.Time // when the list was made
	spans  []span    // in the order of time
	newest span      // fragment of them
}

// span is a stretch of time with media, in milliseconds since 1970.
type span struct {
	Start int64 `json:"start"`
	End   int64 `json:"end"`
}

// handle adds the page's calls to mux.
func (rec *recordings) handle(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/recordings", rec.list)
	mux.HandleFunc("POST /api/recordings/play", rec.play)
}

// list answers with what is recorded.
func (rec *recordings) list(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	spans, newest, err := rec.known(ctx)
	if err != nil {
		rec.refuse(w, "what is recorded cannot be listed", err)
		return
	}
	rec.answer(w, struct {
		Now      int64  `json:"now"`
		Kept     int64  `json:"kept"`     // milliseconds
		Fragment int64  `json:"fragment"` // length of the newest, in milliseconds
		Spans    []span `json:"spans"`
	}{time.Now().UnixMilli(), kept.Milliseconds(), newest.End - newest.Start, spans})
}

// known returns what is recorded, and the newest fragment of it. It asks the service at most every relist,
// however many pages ask, and only for what has arrived since it asked before,
// which after an outage may be of any time.
func (rec *recordings) known(ctx context.Context) (_ []span, newest span, err error) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	now := time.Now()
	if now.Sub(rec.listed) < relist {
		return rec.spans, rec.newest, nil
	}
	from := now.Add(-kept)
	if since := rec.listed.Add(-overlap); since.After(from) {
		from = since
	}
	spans := slices.Clone(rec.spans)
	for f, err := range rec.archive.ListFragments(ctx, kvsmedia.Range{Start: from, End: now, Server: true}) {
		if missing(err) {
			break // nothing is recorded yet
		}
		if err != nil {
			return nil, span{}, err
		}
		s := span{f.ProducerTime.UnixMilli(), f.ProducerTime.Add(f.Length).UnixMilli()}
		if spans = append(spans, s); s.End > rec.newest.End {
			rec.newest = s
		}
	}
	rec.listed, rec.spans = now, merge(spans, now.Add(-kept).UnixMilli())
	return rec.spans, rec.newest, nil
}

// merge joins spans that touch, in the order of time, and drops what is older
// than oldest.
func merge(spans []span, oldest int64) []span {
	slices.SortFunc(spans, func(a, b span) int { return int(a.Start - b.Start) })
	out := []span{}
	for _, s := range spans {
		if s.Start = max(s.Start, oldest); s.End <= s.Start {
			continue
		}
		if n := len(out); n > 0 && s.Start-out[n-1].End <= joined.Milliseconds() {
			out[n-1].End = max(out[n-1].End, s.End)
			continue
		}
		out = append(out, s)
	}
	return out
}

// play answers with the URL of a playlist: of the run that has the time wished, from
// its fragment on. The page asks again for what follows that.
func (rec *recordings) play(w http.ResponseWriter, r *http.Request) {
	var want struct {
		Start int64 `json:"start"` // milliseconds since 1970
	}
	if !decode(w, r, &want) {
		return
	}
	now := time.Now()
	start := time.UnixMilli(want.Start)
	if start.After(now) || now.Sub(start) > kept+longest {
		http.Error(w, "nothing is kept of that time", http.StatusNotFound)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
	defer cancel()
	run, err := rec.run(ctx, start, now)
	if err != nil {
		rec.refuse(w, "what is recorded cannot be listed", err)
		return
	}
	if len(run.Fragments) == 0 {
		http.Error(w, "nothing is recorded of that time", http.StatusNotFound)
		return
	}
	playback, err := rec.playback(ctx, run)
	if err != nil {
		rec.refuse(w, "what is recorded cannot be played", err)
		return
	}
	rec.answer(w, struct {
		URL string `json:"url"`
	}{playback})
}

// playback returns the URL of a run's playlist. One on the page's own server has no
// host, since the server has more names than it knows.
func (rec *recordings) playback(ctx context.Context, run kvsmedia.Run) (string, error) {
	address, err := rec.archive.HLSURL(ctx, kvsmedia.Playback{Range: run.Range, Expires: playable})
	if err != nil || !rec.local {
		return address, err
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	return u.RequestURI(), nil
}

// run returns what one playlist has from a time on. If nothing is stored of that time
// yet, it is what was stored just before.
func (rec *recordings) run(ctx context.Context, start, now time.Time) (newest kvsmedia.Run, err error) {
	for run, err := range rec.archive.Runs(ctx, kvsmedia.Range{Start: start.Add(-longest), End: now}) {
		if err != nil {
			return kvsmedia.Run{}, err
		}
		if part, ok := run.Since(start.Add(seam)); ok {
			for first := range part.Parts(playlist, 0) {
				return first, nil
			}
		}
		for part := range run.Parts(playlist, 0) {
			newest = part
		}
	}
	return newest, nil
}

func (rec *recordings) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		rec.log.Debug("answering", "err", err)
	}
}

func (rec *recordings) refuse(w http.ResponseWriter, what string, err error) {
	status := http.StatusBadGateway
	if missing(err) {
		status = http.StatusNotFound
	}
	rec.log.Warn(what, "err", err)
	http.Error(w, what+": "+err.Error(), status)
}

// missing tells that the stream is not there, or has nothing of a time.
func missing(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "ResourceNotFoundException"
}
