package kvsmediatest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
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
	return strings.TrimSuffix(fmt.Sprintf("%d %s: %s", e.id, errorCodes[e.id], e.reason), ": ")
}

func refuse(id int, format string, args ...any) error {
	return &refusedMedia{id, fmt.Sprintf(format, args...)}
}

// receiver takes the media of one connection apart and enforces the rules for
// it.
type receiver struct {
	upload *Upload
	raw    rawReader
	scale  time.Duration

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
	fragment
	in          *incoming
	begin, last time.Duration // timestamps of the cluster and of its latest frame
	end         time.Duration // of the latest frame, as far as its length is known
	frames      map[uint64]*timing
	tags        mkv.Tags
	after       []byte // tags behind the cluster
}

// timing is what is known of a track's frames in a fragment.
type timing struct{ last, step time.Duration }

// run takes the media. It returns nil at the end that the producer made.
func (r *receiver) run(body io.Reader) error {
	if r.upload.badStart {
		return refuse(4007, "the start timestamp of the request cannot be read")
	}
	if err := r.upload.usable(); err != nil {
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

// usable returns the error of a stream that takes no media.
func (u *Upload) usable() error {
	u.svc.mu.Lock()
	defer u.svc.mu.Unlock()
	switch {
	case u.stream.deleted:
		return refuse(4507, "the stream was deleted")
	case u.svc.status(u.stream) != "ACTIVE":
		return refuse(4008, "the stream is %s", u.svc.status(u.stream))
	case u.stream.kms != 0:
		return refuse(u.stream.kms, "the key %s", u.stream.KMSKey)
	}
	return nil
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
		if n := r.upload.svc.cfg.Limits.Tracks; n > 0 && len(e) > n {
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
		c.cluster += int64(len(b))
		if n := r.upload.svc.cfg.Limits.FragmentBytes; n > 0 && c.in.size+int64(len(b)) > int64(n) {
			return refuse(4001, "more than %d bytes", n)
		}
		return archival(c.in.write(b))
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
	u := r.upload
	if r.count == 0 {
		r.header = openSegment(r.header)
	}
	if err := u.throttle(); err != nil {
		return err
	}
	s := u.svc
	r.count++
	now := s.now().Truncate(time.Millisecond)
	timecode := uint64(at / r.scale)
	c := &arriving{begin: at, last: at, end: at, frames: map[uint64]*timing{}}
	c.server, c.timecode, c.number = now, timecode, fragmentNumber(r.count, now)
	u.setPosition(position{c.number, &timecode})
	if err := u.usable(); err != nil {
		return err
	}
	if r.any && at <= r.latest {
		return refuse(4004, "it begins at %v, the fragment before ends at %v", at, r.latest)
	}
	c.producer = time.UnixMilli(at.Milliseconds())
	if u.relative {
		c.producer = u.start.Add(at).Truncate(time.Millisecond)
	}
	if c.producer.Year() > 9999 {
		return refuse(4007, "producer timestamp %v", c.producer)
	}
	s.mu.Lock()
	c.archived = u.stream.RetentionHours > 0
	s.mu.Unlock()
	in, err := s.newIncoming(u.stream, c.archived)
	if err != nil {
		return archival(err)
	}
	c.in = in
	r.current = c
	header := append(r.header[:len(r.header):len(r.header)], r.early...)
	c.tags, r.tags, r.early = r.tags, nil, nil
	c.header = int64(len(header))
	if err := c.in.write(header); err != nil {
		return archival(err)
	}
	if err := r.keep(cluster); err != nil {
		return err
	}
	if err := s.mediaFault(u, Buffering); err != nil {
		return err
	}
	u.push(ack{EventType: "BUFFERING", FragmentTimecode: &timecode, FragmentNumber: c.number}, 0)
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
	if n := r.upload.svc.cfg.Limits.MaxFragmentMillis; n > 0 && b.Time-c.begin > time.Duration(n)*time.Millisecond {
		return refuse(4002, "a frame %v after the fragment's beginning", b.Time-c.begin)
	}
	t := c.frames[b.Number]
	if t == nil {
		t = &timing{last: b.Time}
		c.frames[b.Number] = t
	}
	if b.Duration > 0 {
		t.step = b.Duration
	} else if b.Time > t.last {
		t.step = b.Time - t.last
	}
	t.last = max(t.last, b.Time)
	c.last, c.end = max(c.last, b.Time), max(c.end, b.Time+t.step)
	return nil
}

// finish ends the fragment that is being received, if there is one; next is the
// timestamp of a following one.
func (r *receiver) finish(next time.Duration, follows bool) error {
	c, u := r.current, r.upload
	if c == nil {
		return nil
	}
	limits := &u.svc.cfg.Limits
	for _, t := range r.tracks {
		if c.frames[t.Number] == nil {
			return refuse(4011, "no frame of track %d", t.Number)
		}
	}
	if d := next - c.begin; follows && limits.MinFragmentMillis > 0 && d > 0 && d < time.Duration(limits.MinFragmentMillis)*time.Millisecond {
		return refuse(u.svc.cfg.Variants.MinDurationID, "a fragment of %v", d)
	}
	if !r.any || c.last > r.latest {
		r.latest, r.any = c.last, true
	}
	c.length = c.end - c.begin
	if err := u.svc.mediaFault(u, Received); err != nil {
		return err
	}
	u.push(ack{EventType: "RECEIVED", FragmentTimecode: &c.timecode, FragmentNumber: c.number}, 0)
	r.current = nil
	c.trailer = int64(len(c.after))
	err := c.in.write(c.after)
	if err == nil {
		err = c.in.finish(&c.fragment)
	}
	if err != nil {
		c.in.discard()
		return archival(err)
	}
	if err := u.svc.keepFragment(u, &c.fragment); err != nil {
		return err
	}
	u.svc.deliver(u.stream, &c.fragment, c.tags)
	if err := u.svc.mediaFault(u, Persisted); err != nil {
		return err
	}
	if c.archived {
		u.push(ack{EventType: "PERSISTED", FragmentTimecode: &c.timecode, FragmentNumber: c.number}, u.svc.cfg.Timing.Persist)
	}
	return nil
}

// abandon drops a fragment that was not received whole.
func (r *receiver) abandon() {
	if r.current != nil {
		r.current.in.discard()
		r.current = nil
	}
}

func (u *Upload) setPosition(p position) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.at = p
}
