package catalog

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/receipt"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// version is of records and of the slot. What a newer firmware must not change are the
// fields v, kind, seq and id, so that this one knows what to leave alone.
const version = 1

// envelope is what every record has, of newer versions too.
type envelope struct {
	V    int     `json:"v"`
	Kind string  `json:"kind"`          // "file" or "clip"
	Seq  uint64  `json:"seq"`           // of a file, and of a clip
	ID   ulid.ID `json:"id,omitzero"`   // of a clip
	Clip ulid.ID `json:"clip,omitzero"` // of a file
}

type fileRecord struct {
	envelope
	Event     ulid.ID      `json:"event,omitzero"`
	Day       int32        `json:"day"`
	Boot      uint32       `json:"boot,omitempty"`
	Base      int64        `json:"base,omitempty"`
	Estimated bool         `json:"estimated,omitempty"`
	Follows   bool         `json:"follows,omitempty"`
	Length    int64        `json:"ms,omitempty"`
	Bytes     int64        `json:"bytes,omitempty"`
	Room      int64        `json:"room,omitempty"`
	Clusters  int32        `json:"clusters,omitempty"`
	Closed    bool         `json:"closed,omitempty"`
	Going     bool         `json:"going,omitempty"`
	Gone      bool         `json:"gone,omitempty"`
	Reason    string       `json:"reason,omitempty"`
	Sent      receipt.List `json:"sent,omitempty"`
}

type clipRecord struct {
	envelope
	Boot      uint32          `json:"boot,omitempty"`
	Events    []eventRecord   `json:"events,omitempty"`
	More      int             `json:"more,omitempty"`
	Spans     []spanRecord    `json:"spans,omitempty"`
	Missing   []missingRecord `json:"missing,omitempty"`
	Protected bool            `json:"protected,omitempty"`
	Ended     bool            `json:"ended,omitempty"`
	Owed      bool            `json:"owed,omitempty"`
	Deleted   bool            `json:"deleted,omitempty"`
	Reason    string          `json:"reason,omitempty"`
	Counts    [kinds]uint32   `json:"counts"`
	Pending   []pendingRecord `json:"pending,omitempty"`
}

type eventRecord struct {
	ID      ulid.ID           `json:"id"`
	Type    string            `json:"type,omitempty"`
	Time    int64             `json:"time,omitempty"`
	Score   float64           `json:"score,omitempty"`
	Tags    map[string]string `json:"tags,omitempty"`
	Picture Picture           `json:"picture,omitzero"`
	Images  uint8             `json:"images,omitempty"`
}

type spanRecord struct {
	File    uint64 `json:"file"`
	First   int32  `json:"first,omitempty"`
	Last    int32  `json:"last"`
	Growing bool   `json:"growing,omitempty"`
	Start   int64  `json:"start,omitempty"` // ms
	End     int64  `json:"end"`             // ms
	Bytes   int64  `json:"bytes"`
}

type missingRecord struct {
	Start  int64  `json:"start,omitempty"`
	Length int64  `json:"ms,omitempty"`
	Frames int    `json:"frames,omitempty"`
	Bytes  int64  `json:"bytes,omitempty"`
	Reason string `json:"reason"`
}

type pendingRecord struct {
	Kind Kind   `json:"kind"`
	N    int    `json:"n"`
	Seq  uint64 `json:"seq"`
	At   int64  `json:"at,omitempty"`
}

func (f *file) encode() []byte {
	return encode(fileRecord{
		envelope{V: version, Kind: "file", Seq: f.Seq, Clip: f.Clip}, f.Event, f.Day, f.Boot, f.Base, f.Estimated, f.Follows, f.Length.Milliseconds(),
		f.Bytes, f.Room, f.Clusters, f.Closed && !f.loose, f.Going, f.Gone, f.Reason, f.Sent,
	}, f.extra)
}

func (cl *clip) encode(publish bool) []byte {
	r := clipRecord{
		envelope: envelope{V: version, Kind: "clip", Seq: cl.Seq, ID: cl.ID}, Boot: cl.Boot, More: cl.More,
		Protected: cl.Protected, Ended: cl.Ended, Owed: cl.owed, Deleted: cl.Deleted, Reason: cl.Reason, Counts: cl.counts,
	}
	for _, e := range cl.Events {
		r.Events = append(r.Events, eventRecord(e))
	}
	for _, s := range cl.Spans {
		r.Spans = append(r.Spans, spanRecord{s.File, s.First, s.Last, s.Growing, s.Start.Milliseconds(), s.End.Milliseconds(), s.Bytes})
	}
	for _, m := range cl.Missing {
		r.Missing = append(r.Missing, missingRecord{m.Start, m.Length.Milliseconds(), m.Frames, m.Bytes, m.Reason})
	}
	if publish {
		for _, p := range cl.Pending {
			r.Pending = append(r.Pending, pendingRecord{p.Kind, p.N, p.Seq, p.At})
		}
	}
	return encode(r, cl.extra)
}

// encode returns the record with the fields of it that this version does not know.
func encode(r any, extra map[string]json.RawMessage) []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // no field of a record can fail: texts are made valid, numbers are finite
	}
	for _, k := range slices.Sorted(maps.Keys(extra)) {
		name, _ := json.Marshal(k)
		b = slices.Concat(b[:len(b)-1], []byte{','}, name, []byte{':'}, extra[k], []byte{'}'})
	}
	return b
}

// decode reads a record into r and returns the fields that r does not have.
func decode[T any](b []byte, r *T) (extra map[string]json.RawMessage, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if d.Decode(r) == nil {
		return nil, nil
	}
	*r = *new(T)
	if err := json.Unmarshal(b, r); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &extra); err != nil {
		return nil, err
	}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[T]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		delete(extra, name)
	}
	return extra, nil
}

// file returns the file of a record, within bounds.
func (r *fileRecord) file() File {
	f := File{
		Seq: r.Seq, Clip: r.Clip, Event: r.Event, Day: r.Day, Boot: r.Boot, Base: r.Base, Estimated: r.Estimated, Follows: r.Follows, Length: millis(bound(r.Length, maxMillis)),
		Bytes: max(r.Bytes, 0), Room: max(r.Room, 0), Clusters: bound(r.Clusters, maxClusters), Closed: r.Closed, Going: r.Going, Gone: r.Gone,
		Reason: cut(r.Reason, maxReason), Sent: r.Sent,
	}
	if r.Base < earliest || r.Base > latest {
		f.Base = 0
	}
	f.Settled = f.Base != 0
	return f
}

// clip returns the clip of a record, within bounds.
func (r *clipRecord) clip(publish bool) *clip {
	cl := &clip{Clip: Clip{
		ID: r.ID, Seq: r.Seq, Boot: r.Boot, More: max(r.More, 0), Protected: r.Protected, Ended: r.Ended, Deleted: r.Deleted,
		Reason: cut(r.Reason, maxReason),
	}, counts: r.Counts, owed: r.Owed}
	for _, e := range r.Events[:min(len(r.Events), MaxEvents)] {
		if Event(e).Check() == nil {
			cl.Events = append(cl.Events, Event(e))
		}
	}
	for _, s := range r.Spans[:min(len(r.Spans), MaxSpans)] {
		first, last := bound(s.First, maxClusters), min(max(s.Last, -1), maxClusters)
		start, end := bound(s.Start, maxMillis), bound(s.End, maxMillis)
		cl.Spans = append(cl.Spans, Span{s.File, first, last, s.Growing, millis(start), millis(end), max(s.Bytes, 0)})
	}
	for _, m := range r.Missing[:min(len(r.Missing), MaxMissing)] {
		cl.Missing = append(cl.Missing, Missing{m.Start, millis(bound(m.Length, maxMillis)), m.Frames, m.Bytes, cut(m.Reason, maxReason)})
	}
	for _, p := range r.Pending {
		if publish && p.Kind > 0 && p.Kind < kinds && len(cl.Pending) < int(kinds) {
			cl.Pending = append(cl.Pending, Change{changeID(cl.ID, p.Kind, p.N), cl.ID, p.Kind, p.N, p.Seq, p.At})
			cl.durable = max(cl.durable, p.Seq)
		}
	}
	return cl
}

func bound[T int32 | int64](n, most T) T { return min(max(n, 0), most) }

// cut returns s as valid UTF-8 of at most n bytes.
func cut(s string, n int) string {
	if len(s) <= n && utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s[:min(n, len(s))], "")
}

// headerEvent is the JSON of an event in a file, of so many bytes at most: without tags if it
// is too long, and its ID alone if it still is.
func headerEvent(e Event, most int) (b []byte) {
	for _, e := range []Event{e, {ID: e.ID, Type: e.Type, Time: e.Time, Score: e.Score, Picture: e.Picture, Images: e.Images}, {ID: e.ID}} {
		if b, _ = json.Marshal(eventRecord(e)); len(b) <= most { // texts are valid, the score is finite: see Check
			break
		}
	}
	return b
}

// parseEvent reads what headerEvent wrote. What is wrong is left out.
func parseEvent(b []byte, id ulid.ID) Event {
	var r eventRecord
	if json.Unmarshal(b, &r) != nil || Event(r).Check() != nil {
		return Event{ID: id}
	}
	return Event(r)
}

// records reads the journal. Of two records of one file or clip, which an unfinished
// commit can leave, the later one counts.
func (r *recovery) records() {
	var clips []*clip
	for number, b := range r.journal.Records() {
		var e envelope
		switch {
		case b == nil || json.Unmarshal(b, &e) != nil:
			r.report.Records++
		case e.V > version:
			r.report.Foreign++
			if e.Kind == "file" {
				r.foreignFiles[e.Seq] = true
			} else if !e.ID.IsZero() {
				r.foreignClips[e.ID] = true
			}
			r.next = max(r.next, e.Seq+1)
		case e.Kind == "file" && e.Seq != 0:
			r.fileRecord(number, b)
		case e.Kind == "clip" && !e.ID.IsZero():
			if cl := r.clipRecord(number, b); cl != nil {
				clips = append(clips, cl)
			}
		default:
			r.report.Records++
		}
	}
	for _, cl := range clips {
		if cl.dropped {
			continue
		}
		for _, s := range cl.Spans {
			if f := r.files[s.File]; f != nil && !slices.Contains(f.clips, cl) {
				f.clips = append(f.clips, cl)
			}
		}
		r.settle(cl)
	}
	r.attachPictures()
}

func (r *recovery) fileRecord(number uint64, b []byte) {
	var rec fileRecord
	extra, err := decode(b, &rec)
	if err != nil || rec.Seq == 0 {
		r.report.Records++
		return
	}
	if old := r.files[rec.Seq]; old != nil {
		r.dropFile(old)
	}
	f := &file{File: rec.file()}
	f.number, f.extra = number, extra
	r.insertFile(f)
}

func (r *recovery) clipRecord(number uint64, b []byte) *clip {
	var rec clipRecord
	extra, err := decode(b, &rec)
	if err != nil || rec.ID.IsZero() {
		r.report.Records++
		return nil
	}
	if old := r.clips[rec.ID]; old != nil {
		r.dropClip(old)
	}
	cl := rec.clip(r.opt.Publish)
	cl.number, cl.extra = number, extra
	r.insertClip(cl)
	for _, ch := range cl.Pending {
		r.next = max(r.next, ch.Seq+1)
	}
	return cl
}
