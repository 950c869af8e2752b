package clipapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"strconv"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
)

// Recorder is what has the clips; *recorder.Recorder is one.
type Recorder interface {
	Trigger(recorder.Event) (recorder.ClipID, error)
	Clips(from, to time.Time) iter.Seq[recorder.Clip]
	Clip(recorder.ClipID) (recorder.Clip, error)
	Receipt(recorder.ClipID) ([]recorder.Fragment, error)
	MP4(recorder.ClipID) (io.ReadSeekCloser, error)
	Picture(clip recorder.ClipID, event string) ([]byte, error)
	Protect(id recorder.ClipID, on bool) error
	Delete(...recorder.ClipID) error
}

// Bounds of a page.
const (
	defaultLimit = 50
	mostLimit    = 500
	pageBytes    = 512 << 10 // of JSON: half of what the reply to a command may have
)

// Query asks for a page of clips.
type Query struct {
	From   time.Time       `json:"from,omitzero"` // the zero time for all that there are
	To     time.Time       `json:"to,omitzero"`
	Before recorder.ClipID `json:"before,omitempty"` // those made before this one
	Limit  int             `json:"limit,omitempty"`  // 1 to 500; zero means 50
}

// Page is a part of the list of clips, the newest first.
type Page struct {
	Clips []recorder.Clip `json:"clips"`
	More  bool            `json:"more"` // ask for those before the last one
}

// Receipt is a clip with what became of its fragments, in the order of its media.
type Receipt struct {
	Clip      recorder.Clip       `json:"clip"`
	Fragments []recorder.Fragment `json:"fragments"` // empty if nothing is to be uploaded
}

// EventReply answers an event with the clip that has it.
type EventReply struct {
	Clip recorder.ClipID `json:"clip"`
}

// errQuery is wrapped by the errors of a query that cannot be answered.
var errQuery = errors.New("that cannot be listed")

// List returns a page of clips. Its JSON has at most half a MiB, or one clip.
func List(r Recorder, q Query) (Page, error) {
	switch {
	case q.Limit == 0:
		q.Limit = defaultLimit
	case q.Limit < 1 || q.Limit > mostLimit:
		return Page{}, fmt.Errorf("%w: limit is %d, allowed are 1 to %d", errQuery, q.Limit, mostLimit)
	}
	page := Page{Clips: []recorder.Clip{}}
	bytes, found := 0, q.Before == ""
	for c := range r.Clips(q.From, q.To) {
		if !found {
			found = c.ID == q.Before
			continue
		}
		b, err := json.Marshal(c)
		if err != nil {
			return Page{}, err
		}
		if bytes += len(b); len(page.Clips) == q.Limit || len(page.Clips) > 0 && bytes > pageBytes {
			page.More = true
			break
		}
		page.Clips = append(page.Clips, c)
	}
	if !found {
		return Page{}, fmt.Errorf("%w: the clip before which to go on is not there any more, begin anew", errQuery)
	}
	return page, nil
}

// Receipts returns the receipt of a clip.
func Receipts(r Recorder, id recorder.ClipID) (Receipt, error) {
	clip, err := r.Clip(id)
	if err != nil {
		return Receipt{}, err
	}
	fragments, err := r.Receipt(id)
	if err != nil {
		return Receipt{}, err
	}
	return Receipt{clip, append([]recorder.Fragment{}, fragments...)}, nil
}

// Values returns the query as that of a URL.
func (q Query) Values() url.Values {
	v := url.Values{}
	for name, t := range map[string]time.Time{"from": q.From, "to": q.To} {
		if !t.IsZero() {
			v.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	if q.Before != "" {
		v.Set("before", string(q.Before))
	}
	if q.Limit != 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return v
}

// parseQuery reads the query of a URL.
func parseQuery(v url.Values) (q Query, err error) {
	for name := range v {
		value := v.Get(name)
		switch name {
		case "from":
			q.From, err = time.Parse(time.RFC3339, value)
		case "to":
			q.To, err = time.Parse(time.RFC3339, value)
		case "before":
			q.Before = recorder.ClipID(value)
		case "limit":
			if q.Limit, err = strconv.Atoi(value); err == nil && q.Limit == 0 {
				err = errors.New("is zero")
			}
		default:
			err = errors.New("there are from, to, before and limit")
		}
		if err != nil {
			return q, fmt.Errorf("%w: %.20q: %w", errQuery, name, err)
		}
	}
	return q, nil
}
