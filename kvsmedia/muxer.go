package kvsmedia

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/bitstream"
	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

const (
	app          = "smartcam" // MuxingApp and WritingApp
	maxFrame     = mkv.MaxBlock - 64
	maxTracks    = 126              // numbers of one byte
	maxHeld      = 32 << 20         // bytes
	maxHeldTime  = 30 * time.Second // of media
	audioCluster = 2000             // ms, where no video track sets the rhythm
	headroom     = 64               // bytes before a frame for the head of its block: a line of the cache, so that the frame begins one
)

var errClosed = errors.New("kvsmedia: the muxer is closed")

// ErrNewMuxer is the error of a key frame of the leading track that the stream cannot go on
// with: its time is not after that of the fragment before, or, with [Muxer].OneDocument,
// parameter sets changed. A new Muxer can begin with the very frame.
var ErrNewMuxer = errors.New("a new Muxer is needed")

// Muxer writes frames as Matroska (RFC 9559), in the form that PutMedia of
// Kinesis Video Streams takes and every player reads: one cluster, which the
// service calls a fragment, from one key frame to the next, and neither sizes
// nor indexes that would have to be filled in at the end. What was written up
// to any moment is a valid file.
//
// The first video track leads: its key frames begin the clusters. Without video
// a cluster has two seconds of sound. A cluster also ends where a block's time
// would not fit into it, after 32.7 seconds. What comes before the leading
// track's first key frame is left out, as are frames of other video tracks
// before theirs.
//
// The codec's configuration comes from [Track].Private or, where that is nil,
// from the stream: frames are held back, for at most 30 seconds or 32 MiB, until
// all Annex B tracks have had a key frame with parameter sets. When a stream
// changes its parameter sets, as an encoder does that changes the size of the
// picture, a new document begins in the same stream at the leading track's next
// key frame. Players and [Reader] go on with it; PutMedia takes one document in a
// session.
//
// Each frame is handed to the writer in one call of Write as soon as it comes.
// Muxing allocates nothing once it runs. A Muxer is not safe for concurrent use.
type Muxer struct {
	// Relative makes timestamps count from the first frame, as players expect
	// of a file; the wall clock time of that frame stands in the header. By
	// default timestamps are milliseconds since 1970, by the Time of the first
	// frame and PTS from then on, which is PutMedia's timecode type ABSOLUTE. If
	// the first frame has no Time they are relative too. To be set before the
	// first frame.
	Relative bool

	// OneDocument makes WriteFrame return [ErrNewMuxer] where a new document would begin, of
	// which nothing is written then. To be set before the first frame.
	OneDocument bool

	w      io.Writer
	tracks []*muxTrack
	lead   *muxTrack
	err    error // of the writer, or of the tracks; nothing more is written

	held      []Frame // until the configuration of all tracks is known
	heldBytes int
	begun     bool // the first header is written
	open      bool // a key frame came that the frames to come can refer to
	inCluster bool
	stamped   bool          // cluster is set
	cluster   int64         // the timestamp of the cluster begun last, ms
	offset    time.Duration // from PTS to timestamps
	date      time.Time     // for the header

	tags  fragmentTags
	nalus [][]byte // of the frame at hand
	buf   []byte   // headroom and the frame at hand as it is written; reused
	head  []byte   // what stands before it; reused
}

// NewMuxer returns a Muxer that writes the tracks to w; frames point to these
// very tracks. The tracks' order is that of their numbers in the stream, which
// for players of Kinesis Video Streams is video 1, audio 2. A track that is not
// usable is an error of the first WriteFrame.
func NewMuxer(w io.Writer, tracks ...*Track) *Muxer {
	m := &Muxer{w: w, buf: make([]byte, headroom)}
	if len(tracks) == 0 || len(tracks) > maxTracks {
		m.err = fmt.Errorf("kvsmedia: muxer of %d tracks, want 1 to %d", len(tracks), maxTracks)
		return m
	}
	for i, t := range tracks {
		mt, err := newMuxTrack(t, i+1)
		if err == nil && m.track(t) != nil {
			err = errors.New("it is named twice")
		}
		if err != nil {
			m.err = fmt.Errorf("kvsmedia: track %d%s: %w", i+1, quoted(t), err)
			return m
		}
		m.tracks = append(m.tracks, mt)
		if m.lead == nil || t.Codec.Video() && !m.lead.Codec.Video() {
			m.lead = mt
		}
	}
	return m
}

func quoted(t *Track) string {
	if t == nil || t.Name == "" {
		return ""
	}
	return fmt.Sprintf(" %q", t.Name)
}

func (m *Muxer) track(t *Track) *muxTrack {
	for _, mt := range m.tracks {
		if mt.Track == t {
			return mt
		}
	}
	return nil
}

// WriteFrame writes one frame. Frames come in the order of decoding; those of
// different tracks may overtake one another by some seconds. Key need not be
// set where the video data says it.
//
// Video is Annex B, or length-prefixed if its track has Private, and is written
// length-prefixed with all its NAL units. While frames are held back they are
// kept by reference.
//
// An error of the writer is returned ever after. Any other error is of this
// frame, which is then left out, and with it the following ones of a video
// track up to its next key frame.
func (m *Muxer) WriteFrame(f Frame) error {
	if m.err != nil {
		return m.err
	}
	t := m.track(f.Track)
	if t == nil {
		return fmt.Errorf("kvsmedia: frame at %v of track%s, which the muxer was not made with", f.PTS, quoted(f.Track))
	}
	t.frames++
	err := m.take(t, &f)
	if len(m.nalus) > 0 {
		clear(m.nalus)
		m.nalus = m.nalus[:0]
	}
	if err != nil {
		t.keyed = false
		m.open = m.inCluster || len(m.held) > 0
		err = fmt.Errorf("kvsmedia: frame %d of track %d%s at %v: %w", t.frames, t.number, quoted(t.Track), f.PTS, err)
		if m.err != nil {
			m.err = err
		}
	}
	return err
}

func (m *Muxer) take(t *muxTrack, f *Frame) error {
	key, err := m.parse(t, f)
	if err != nil {
		return err
	}
	if !m.open && (t != m.lead || !key) || !t.keyed && !key {
		return nil
	}
	m.open, t.keyed = true, true
	if m.begun {
		return m.write(t, f, key)
	}
	m.held = append(m.held, *f)
	m.heldBytes += len(f.Data)
	for _, other := range m.tracks {
		if other.ready() {
			continue
		}
		if span := f.PTS - m.held[0].PTS; m.heldBytes > maxHeld || span > maxHeldTime {
			m.held = nil
			m.err = fmt.Errorf("no key frame of track %d%s came in %v of media; name only tracks that flow",
				other.number, quoted(other.Track), span)
		}
		return m.err
	}
	return m.begin()
}

// Begin writes what is held back without waiting for more tracks: those whose configuration
// is not known yet are left out of the stream, and frames of theirs are errors from now on. It
// does nothing where nothing is held back.
func (m *Muxer) Begin() error {
	if m.err != nil || len(m.held) == 0 {
		return m.err
	}
	m.tracks = slices.DeleteFunc(m.tracks, func(t *muxTrack) bool { return !t.ready() })
	return m.begin()
}

// begin writes what was held back.
func (m *Muxer) begin() error {
	first := m.held[0]
	m.offset = -first.PTS
	switch {
	case first.Time.IsZero():
	case m.Relative:
		m.date = first.Time
	default:
		m.offset += time.Duration(first.Time.UnixNano())
	}
	held := m.held
	m.begun, m.held = true, nil
	var errs error
	for i := range held {
		f := &held[i]
		t := m.track(f.Track)
		key, err := m.parse(t, f)
		if err == nil {
			err = m.write(t, f, key)
		}
		if m.err != nil {
			return m.err
		}
		if err != nil {
			errs = errors.Join(errs, fmt.Errorf("frame of track %d%s at %v, which was held back: %w", t.number, quoted(t.Track), f.PTS, err))
		}
	}
	return errs
}

// parse puts a frame into m.buf as it is to be written, checks it, and tells
// whether decoding can start at it.
func (m *Muxer) parse(t *muxTrack, f *Frame) (key bool, err error) {
	if !t.video {
		return true, t.checkSound(f.Data)
	}
	if t.annexB {
		if m.nalus, err = t.split(m.nalus[:0], f.Data); err != nil {
			return false, err
		}
		m.buf = bitstream.AppendPrefixed(m.buf[:headroom], m.nalus)
		if size := len(m.buf) - headroom; size > maxFrame {
			return false, errSize(size)
		}
	} else {
		m.buf = append(m.buf[:headroom], f.Data[:min(len(f.Data), maxFrame+1)]...)
		if m.nalus, err = t.split(m.nalus[:0], m.buf[headroom:]); err != nil { // already in the processor's cache
			return false, err
		}
	}
	return t.examine(m.nalus, f.Key)
}

// write writes the frame in m.buf, and what has to stand before it.
func (m *Muxer) write(t *muxTrack, f *Frame, key bool) error {
	at := mkv.Milliseconds(f.PTS + t.delay + m.offset)
	relative := at - m.cluster
	leads := t == m.lead && key
	if leads && !t.Codec.Video() {
		leads = relative >= audioCluster
	}
	starts := leads || !m.inCluster || relative > math.MaxInt16
	switch {
	case starts && m.stamped && relative <= 0:
		return fmt.Errorf("its timestamp %d ms is not after %d ms, where the fragment before began, as of a clock that starts anew: %w", at, m.cluster, ErrNewMuxer)
	case starts && at < 0:
		return fmt.Errorf("its timestamp %d ms is negative", at)
	case !starts && relative < math.MinInt16:
		return fmt.Errorf("it is %d ms older than its fragment; at most %d are possible", -relative, -math.MinInt16)
	}
	if !starts && !t.video {
		m.buf = append(mkv.AppendBlock(m.buf[:0], t.number, int16(relative), key, len(f.Data)), f.Data...)
		return m.flush(m.buf)
	}
	if !t.video {
		m.buf = append(m.buf[:headroom], f.Data...)
	}
	size := len(m.buf) - headroom
	if !starts {
		begin := headroom - mkv.BlockHead(size)
		mkv.AppendBlock(m.buf[begin:begin], t.number, int16(relative), key, size)
		return m.flush(m.buf[begin:])
	}
	head, err := m.appendCluster(m.head[:0], at, leads)
	if err != nil {
		return err
	}
	m.inCluster, m.stamped, m.cluster = true, true, at
	m.head = append(mkv.AppendBlock(head, t.number, 0, key, size), m.buf[headroom:]...)
	return m.flush(m.head)
}

// appendCluster ends the cluster before and begins one, in a new document if it
// has to be.
func (m *Muxer) appendCluster(b []byte, at int64, leads bool) ([]byte, error) {
	if m.inCluster {
		b = m.tags.append(b)
	}
	document := !m.stamped
	for _, t := range m.tracks {
		document = document || t.changed && leads
	}
	if document && m.stamped && m.OneDocument {
		return nil, fmt.Errorf("parameter sets changed: %w", ErrNewMuxer)
	}
	if document {
		version := uint8(2)
		list := make(mkv.Tracks, len(m.tracks))
		for i, t := range m.tracks {
			var err error
			if list[i], err = t.entry(); err != nil {
				return nil, err
			}
			if list[i].SeekPreRoll > 0 {
				version = 4
			}
		}
		b = mkv.AppendHeader(b, version)
		b = mkv.AppendInfo(b, &mkv.Info{UUID: newUUID(), Date: m.date, MuxingApp: app, WritingApp: app})
		b = mkv.AppendTracks(b, list)
		for _, t := range m.tracks {
			t.changed = false
		}
	}
	return mkv.AppendCluster(b, uint64(at)), nil
}

func (m *Muxer) flush(b []byte) error {
	if _, err := m.w.Write(b); err != nil {
		m.err = fmt.Errorf("writing: %w", err)
		return m.err
	}
	return nil
}

// EndFragment ends the fragment, which lets the service store it without waiting
// for the next one: for a camera that pauses. The next fragment begins with the
// leading track's next key frame; what comes before it is left out. It does
// nothing between fragments.
func (m *Muxer) EndFragment() error {
	if m.err != nil || !m.inCluster {
		return m.err
	}
	m.head = mkv.AppendTags(m.tags.append(m.head[:0]), endOfFragment)
	m.inCluster, m.open = false, false
	for _, t := range m.tracks {
		t.keyed = false
	}
	if err := m.flush(m.head); err != nil {
		m.err = fmt.Errorf("kvsmedia: end of fragment: %w", err)
	}
	return m.err
}

// Close writes what is left: the tags of the last fragment and, if frames are
// still held back, these, in a stream of the tracks whose configuration is
// known. It does not close the writer.
func (m *Muxer) Close() error {
	if errors.Is(m.err, errClosed) {
		return nil
	}
	err := m.err
	if err == nil {
		err = m.Begin()
	}
	if err == nil && m.inCluster {
		if tags := m.tags.append(m.head[:0]); len(tags) > 0 {
			err = m.flush(tags)
		}
	}
	m.err, m.held, m.nalus, m.buf, m.head = errClosed, nil, nil, nil, nil
	if err != nil {
		return fmt.Errorf("kvsmedia: closing the stream: %w", err)
	}
	return nil
}
