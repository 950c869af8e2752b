package ingest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest/internal/store"
)

// maxHeader bounds what stands before the first cluster, in bytes.
const maxHeader = 1 << 20

// position is where in its stream a connection is: at the fragment of a number.
type position struct {
	number   string
	timecode *uint64
}

// refusedMedia is media that an error acknowledgement answers.
type refusedMedia struct {
	id     int
	reason string
}

func (e *refusedMedia) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("%d %s: %s", e.id, Codes[e.id], e.reason), ": ")
}

func refuse(id int, format string, args ...any) error {
	return &refusedMedia{id, fmt.Sprintf(format, args...)}
}

// receiver takes the media of one connection apart and enforces the rules for
// it.
type receiver struct {
	conn  *Connection
	raw   rawReader
	scale time.Duration

	header  []byte   // as it is stored: up to the first cluster, without tags
	early   []byte   // tags before the first cluster, which are of its fragment
	tags    mkv.Tags // the same
	tracks  mkv.Tracks
	count   int           // of fragments
	latest  time.Duration // of all frames so far
	any     bool          // latest is set
	current *arriving
}

// arriving is the fragment that is being received.
type arriving struct {
	store.Fragment
	in          *store.Incoming
	begin, last time.Duration // timestamps of the cluster and of its latest frame
	frames      map[uint64]*timing
	tags        mkv.Tags
	after       []byte // tags behind the cluster
}

// timing is what is known of a track's frames in a fragment: the two latest times, in
// the order of presentation, and what follows the latest.
type timing struct {
	n                    int
	last, before, length time.Duration
}

func (t *timing) see(b *mkv.Block) {
	t.n++
	switch {
	case t.n == 1 || b.Time > t.last:
		t.last, t.before, t.length = b.Time, t.last, b.Duration
	case b.Time < t.last && (t.n == 2 || b.Time > t.before):
		t.before = b.Time
	}
}

// end is when the latest frame is over.
func (t *timing) end() time.Duration {
	if t.length == 0 && t.n > 1 {
		return t.last + (t.last - t.before)
	}
	return t.last + t.length
}

// run takes the media. It returns nil at the end that the producer made.
func (r *receiver) run(body io.Reader) error {
	if r.conn.badStart {
		return refuse(4007, "the start timestamp of the request cannot be read")
	}
	if err := r.conn.usable(); err != nil {
		return err
	}
	r.raw.r, r.scale = body, time.Millisecond
	rd := mkv.NewReader(&r.raw)
	for {
		e, err := rd.Next()
		if errors.Is(err, io.EOF) {
			if r.count == 0 && r.raw.read > 0 && r.tracks == nil {
				return refuse(4006, "the stream ends before its list of tracks")
			}
			return r.finish(0, false)
		}
		if err == nil {
			err = r.take(e, r.raw.take(rd.Offset()))
		} else if r.raw.err == nil || errors.Is(r.raw.err, io.EOF) {
			err = refuse(4006, "%v", err)
		}
		if err != nil {
			return err
		}
	}
}

// take takes one element; b are the bytes from the end of the one before.
func (r *receiver) take(e mkv.Element, b []byte) error {
	switch e := e.(type) {
	case *mkv.Header:
		if len(r.header) > 0 {
			return refuse(4006, "a second document begins")
		}
	case *mkv.Info:
		r.scale = e.TimestampScale
	case mkv.Tracks:
		if r.tracks != nil || r.count > 0 {
			return refuse(4006, "a second list of tracks")
		}
		if n := r.conn.endpoint.cfg.Tracks; n > 0 && len(e) > n {
			return refuse(4012, "%d tracks, %d are allowed", len(e), n)
		}
		if len(e) == 0 {
			return refuse(4006, "an empty list of tracks")
		}
		r.tracks = e
	case mkv.Tags:
		return r.tag(e, b)
	case *mkv.Cluster:
		if r.tracks == nil {
			return refuse(4006, "a cluster before the list of tracks")
		}
		before, cluster := split(b, idCluster)
		if err := r.keep(before); err != nil {
			return err
		}
		if err := r.finish(e.Timestamp, true); err != nil {
			return err
		}
		return r.begin(e.Timestamp, cluster)
	case *mkv.Block:
		if r.current == nil {
			return refuse(4006, "a frame outside a fragment")
		}
		if err := r.keep(b); err != nil {
			return err
		}
		return r.frame(e)
	}
	return r.keep(b)
}

// keep stores bytes as part of what is being received.
func (r *receiver) keep(b []byte) error {
	c := r.current
	switch {
	case len(b) == 0:
	case c == nil && r.count > 0: // behind an end-of-fragment tag
	case c == nil:
		if r.header = append(r.header, b...); len(r.header) > maxHeader {
			return refuse(4006, "a header of more than %d bytes", maxHeader)
		}
	case len(c.after) > 0: // something behind the tags
		c.after = append(c.after, b...)
	default:
		c.Cluster += int64(len(b))
		if n := r.conn.endpoint.cfg.FragmentBytes; n > 0 && c.in.Size()+int64(len(b)) > int64(n) {
			return refuse(4001, "more than %d bytes", n)
		}
		return archival(c.in.Write(b))
	}
	return nil
}

// archival is how the service answers its own trouble with storing.
func archival(err error) error {
	if err == nil {
		return nil
	}
	return refuse(5001, "%v", err)
}

// begin begins a fragment.
func (r *receiver) begin(at time.Duration, cluster []byte) error {
	u := r.conn
	if r.count == 0 {
		r.header = openSegment(r.header)
	}
	if err := u.endpoint.throttle(u); err != nil {
		return err
	}
	r.count++
	now := u.endpoint.cfg.Core.Now().Truncate(time.Millisecond)
	timecode := uint64(at / r.scale)
	c := &arriving{begin: at, last: at, frames: map[uint64]*timing{}}
	c.Server, c.Timecode, c.Number = now, timecode, u.Stream.NextNumber(now)
	u.setPosition(position{c.Number, &timecode})
	if err := u.usable(); err != nil {
		return err
	}
	if r.any && at <= r.latest {
		return refuse(4004, "it begins at %v, the fragment before ends at %v", at, r.latest)
	}
	c.Producer = time.UnixMilli(at.Milliseconds())
	if u.relative {
		c.Producer = u.start.Add(at).Truncate(time.Millisecond)
	}
	if c.Producer.Year() > 9999 {
		return refuse(4007, "producer timestamp %v", c.Producer)
	}
	c.Archived = u.Stream.RetentionHours() > 0
	in, err := u.Stream.Begin(c.Archived)
	if err != nil {
		return archival(err)
	}
	c.in = in
	r.current = c
	header := append(r.header[:len(r.header):len(r.header)], r.early...)
	c.tags, r.tags, r.early = r.tags, nil, nil
	c.Header = int64(len(header))
	if err := c.in.Write(header); err != nil {
		return archival(err)
	}
	if err := r.keep(cluster); err != nil {
		return err
	}
	if err := u.trouble("BUFFERING"); err != nil {
		return err
	}
	u.push(ack{EventType: "BUFFERING", FragmentTimecode: &timecode, FragmentNumber: c.Number}, 0)
	return nil
}

// frame enforces the rules for a frame.
func (r *receiver) frame(b *mkv.Block) error {
	c := r.current
	if b.Track == nil {
		return refuse(4010, "a frame of track %d, which is not declared", b.Number)
	}
	if r.any && b.Time <= r.latest {
		return refuse(4004, "a frame at %v, the fragment before ends at %v", b.Time, r.latest)
	}
	if n := r.conn.endpoint.cfg.MaxFragment; n > 0 && b.Time-c.begin > n {
		return refuse(4002, "a frame %v after the fragment's beginning", b.Time-c.begin)
	}
	t := c.frames[b.Number]
	if t == nil {
		t = &timing{}
		c.frames[b.Number] = t
	}
	t.see(b)
	c.last = max(c.last, b.Time)
	return nil
}

// finish ends the fragment that is being received, if there is one; next is the
// timestamp of a following one.
func (r *receiver) finish(next time.Duration, follows bool) error {
	c, u := r.current, r.conn
	if c == nil {
		return nil
	}
	for _, t := range r.tracks {
		if c.frames[t.Number] == nil {
			return refuse(4011, "no frame of track %d", t.Number)
		}
	}
	if d := next - c.begin; follows && d > 0 && d < u.endpoint.cfg.MinFragment {
		return refuse(u.endpoint.cfg.MinDurationID, "a fragment of %v", d)
	}
	if !r.any || c.last > r.latest {
		r.latest, r.any = c.last, true
	}
	for _, t := range c.frames {
		c.Length = max(c.Length, t.end()-c.begin)
	}
	if err := u.trouble("RECEIVED"); err != nil {
		return err
	}
	u.push(ack{EventType: "RECEIVED", FragmentTimecode: &c.Timecode, FragmentNumber: c.Number}, 0)
	r.current = nil
	c.Trailer = int64(len(c.after))
	err := c.in.Write(c.after)
	if err == nil {
		err = c.in.Finish(&c.Fragment)
	}
	if err != nil {
		c.in.Discard()
		return archival(err)
	}
	if !u.Stream.Keep(&c.Fragment) {
		return refuse(4507, "the stream was deleted")
	}
	u.endpoint.cfg.Deliver(u.Stream, &c.Fragment, c.tags, u.principal)
	if err := u.trouble("PERSISTED"); err != nil {
		return err
	}
	if c.Archived {
		u.push(ack{EventType: "PERSISTED", FragmentTimecode: &c.Timecode, FragmentNumber: c.Number}, u.endpoint.cfg.Persist)
	}
	return nil
}

// abandon drops a fragment that was not received whole.
func (r *receiver) abandon() {
	if r.current != nil {
		r.current.in.Discard()
		r.current = nil
	}
}

func (c *Connection) setPosition(p position) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = p
}
