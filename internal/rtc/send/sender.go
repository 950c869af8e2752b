package send

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"github.com/smartcam-sdk/smartcam/internal/ring"
	"github.com/smartcam-sdk/smartcam/internal/rtc/packet"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Source is the ring that a sender reads. A track's index is its lane in the ring.
type Source struct {
	Ring   *ring.Ring[*packet.Unit]
	Tracks []*kvsmedia.Track

	// Rate is what a lane's encoder made in the last seconds, in bits per second;
	// nil or 0 if that is not known.
	Rate func(lane int) int
}

// Link is the way to the peer.
type Link interface {
	// Begin lets the packets of the streams gather, and Flush sends those that
	// have, in as few system calls as there can be. Its error is about packets that
	// are lost.
	Begin()
	Flush() error

	// WriteRTCP sends reports.
	WriteRTCP([]rtcp.Packet) error

	// Silent is how long nothing has come from the peer.
	Silent() time.Duration

	// RoundTrip is the path's round trip, 0 if it is not known.
	RoundTrip() time.Duration
}

// Owner learns what a sender needs or finds out. Its methods are called from the
// sender's goroutine, WantKeyframe also from Feedback's caller, and must not
// block.
type Owner interface {
	WantKeyframe(lane int) // the peer needs a key frame of the lane
	PathChanged()          // Path returns something new
	KeyframeSent()         // a whole key frame was sent
}

// Writer encrypts and sends the packets of one stream. A write fails with
// io.ErrClosedPipe when the session has ended.
type Writer interface {
	WriteRTP(header *rtp.Header, payload []byte) (int, error)
}

// Port is where a stream's packets go: its SSRC, that of its retransmissions
// (RFC 4588), and what takes them.
type Port struct {
	SSRC, Repair uint32
	Writer       Writer
}

// Sender sends one peer a picture and a sound. Its methods may be called
// concurrently, Run once.
type Sender struct {
	source Source
	link   Link
	owner  Owner
	log    *slog.Logger
	path   path

	woken    chan struct{} // capacity 1: something waits for the loop
	restored atomic.Bool   // the path was lost and is there again
	picture  stream
	sound    stream

	lane     atomic.Int32 // of the picture that is sent; differs from wish until its key frame
	wish     atomic.Int32
	keysOnly atomic.Bool
	trial    atomic.Int64 // see Try

	mu      sync.Mutex
	formats [2]packet.Format // picture, sound
	changed bool
	stopped bool

	// Of Run's goroutine.
	seqs []uint16
	zero time.Time // wall clock time of PTS 0
}

// New returns a sender that sends nothing yet.
func New(source Source, picture, sound Port, link Link, owner Owner, log *slog.Logger) *Sender {
	s := &Sender{source: source, link: link, owner: owner, log: log, woken: make(chan struct{}, 1)}
	s.lane.Store(-1)
	s.wish.Store(-1)
	var wide uint16
	s.picture.init(picture, true, &wide, &s.path)
	s.sound.init(sound, false, &wide, &s.path)
	return s
}

// Set says what is sent from now on. A stream that was off and is on begins at
// the newest key frame.
func (s *Sender) Set(picture, sound packet.Format) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	if picture.On && (!s.formats[0].On || !s.alike(s.formats[0].Lane, picture.Lane)) {
		s.lane.Store(int32(picture.Lane))
		s.wish.Store(int32(picture.Lane))
	}
	s.formats, s.changed = [2]packet.Format{picture, sound}, true
	s.path.limit(picture.Limit)
	s.wake()
}

// Stop ends what is sent, for good.
func (s *Sender) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.formats, s.changed, s.stopped = [2]packet.Format{}, true, true
	s.wake()
}

// alike reports whether two lanes have the same codec, so that a peer which takes
// one takes the other.
func (s *Sender) alike(lane, other int) bool {
	tracks := s.source.Tracks
	return lane >= 0 && other >= 0 && lane < len(tracks) && other < len(tracks) && tracks[lane].Codec == tracks[other].Codec
}

func (s *Sender) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// Run sends until ctx or the ring ends. It is called when media can flow.
func (s *Sender) Run(ctx context.Context) {
	s.apply()
	s.path.start(s.startRate(), s.link.RoundTrip())
	defer s.picture.close()
	defer s.sound.close()
	pace := time.NewTimer(0)
	defer pace.Stop()
	for {
		s.apply()
		if s.restored.Swap(false) {
			s.leap()
		}
		moved, wait, err := s.round()
		if err != nil {
			return
		}
		if moved {
			continue
		}
		if s.over() {
			return
		}
		var paced <-chan time.Time
		if wait > 0 {
			pace.Reset(wait)
			paced = pace.C
		}
		select {
		case _, more := <-s.sound.next():
			s.sound.ended = !more
		case _, more := <-s.picture.next():
			s.picture.ended = !more
		case <-paced:
		case <-s.woken:
		case <-ctx.Done():
			return
		}
	}
}

// over reports whether the ring is closed and all of it sent.
func (s *Sender) over() bool {
	reading := false
	for _, out := range []*stream{&s.sound, &s.picture} {
		if out.reader == nil {
			continue
		}
		if !out.ended || out.waiting() > 0 {
			return false
		}
		reading = true
	}
	return reading
}

// round sends what the pace allows: retransmissions before new packets, as they are
// late already, and sound before the picture, as sound must not wait for a picture
// that is spread over time. If nothing moved, wait is how long to wait for the pace;
// 0 means to wait for frames or feedback.
func (s *Sender) round() (moved bool, wait time.Duration, err error) {
	for _, out := range []*stream{&s.sound, &s.picture} {
		wait = max(wait, s.resend(out))
	}
	for _, out := range []*stream{&s.sound, &s.picture} {
		if out.reader == nil {
			continue
		}
		m, w, err := s.advance(out)
		if err != nil {
			return false, 0, err
		}
		moved, wait = moved || m, max(wait, w)
		if out.video && s.trial.Load() > 0 {
			s.fill(out)
			wait = fillEvery
		}
		if w > 0 {
			s.tell(out)
			wait = min(wait, tellEvery)
		}
	}
	return moved, wait, nil
}

// apply takes over what Set said.
func (s *Sender) apply() {
	s.mu.Lock()
	if !s.changed {
		s.mu.Unlock()
		return
	}
	formats := s.formats
	s.changed = false
	s.mu.Unlock()
	for i, out := range []*stream{&s.picture, &s.sound} {
		f := formats[i]
		was := out.format
		out.format = f
		if f.PT != was.PT || f.RTX != was.RTX || f.TWCC != was.TWCC {
			out.forget()
		}
		switch {
		case !f.On:
			out.close()
			continue
		case was.On && was.PT == f.PT && (out.video || was.Lane == f.Lane):
			continue // the picture's lane is the adapter's
		}
		lane := f.Lane
		if out.video {
			lane = int(s.lane.Load())
		}
		out.begin(s.source.Tracks[lane].Codec)
		out.close()
		out.reader = s.source.Ring.Reader(s.source.Ring.Next(), lane)
		out.wished = lane
		s.join(out)
	}
}

// join has a stream go on where a peer begins that joins now: a picture at its
// newest key frame, sound with what comes, as that of the past is of no use.
func (s *Sender) join(out *stream) {
	units := s.source.Ring
	start := units.Next()
	if out.video {
		lane := int(s.lane.Load())
		if key, ok := units.NewestKey(lane); ok {
			start = key
		}
		if seq, ok := units.Newest(lane); ok {
			if it, ok := units.Get(seq); ok {
				out.live = it.At
			}
		}
	}
	out.reader.Seek(start)
	out.joined, out.skipping = time.Now(), false
}

// leap goes on after the path was lost for long: with what is new, numbered so
// far ahead that the peer does not ask for what lies between.
func (s *Sender) leap() {
	s.path.start(s.startRate(), s.link.RoundTrip())
	for _, out := range []*stream{&s.picture, &s.sound} {
		out.leap()
		if out.reader != nil {
			s.join(out)
		}
	}
}

// Restored tells that the path is there again after it was lost for so long that
// retransmissions cannot fill the gap.
func (s *Sender) Restored() {
	s.restored.Store(true)
	s.wake()
}

// startRate returns the estimate in bit/s to begin with: half as much again as the
// encoders make, until the path proves slower.
func (s *Sender) startRate() int {
	if s.source.Rate == nil {
		return 0
	}
	sum := 0
	for _, out := range []*stream{&s.picture, &s.sound} {
		if out.format.On {
			sum += s.source.Rate(out.format.Lane)
		}
	}
	return sum * 3 / 2
}

// advance sends packets of the stream's unit, or of the next one, as far as the pace
// allows. If the pace allows none it returns how long to wait.
func (s *Sender) advance(out *stream) (moved bool, wait time.Duration, err error) {
	if out.waiting() == 0 {
		it, ok := s.nextUnit(out)
		if !ok {
			return false, 0, nil
		}
		if s.zero.IsZero() {
			s.zero = time.Now().Add(-it.At)
		}
		out.load(it)
	}
	if s.source.Ring.Cleared(out.unit.Seq) {
		out.parts, out.part = nil, 0
		return true, 0, nil
	}
	n := maxBurst
	if out.video {
		if n, wait = s.path.room(); n == 0 {
			return false, wait, nil
		}
	}
	s.link.Begin()
	if err := s.flush(out.write(n)); err != nil {
		return false, 0, err
	}
	if out.waiting() == 0 {
		s.finish(out)
	}
	return true, 0, nil
}

// finish ends a unit: it reports changes of the path to the owner, and sends a sender
// report if one is due.
func (s *Sender) finish(out *stream) {
	it := out.unit
	if out.video {
		if it.Key {
			s.owner.KeyframeSent()
		}
		s.tell(out)
	}
	if sr := out.report(it.At, s.zero, time.Now()); sr != nil {
		s.path.senderReported(sr.NTPTime)
		if err := s.link.WriteRTCP([]rtcp.Packet{sr}); err != nil {
			s.log.Debug("sending a report", "err", err)
		}
	}
}

// flush ends a burst, of which err came out. It fails when the session has ended;
// packets that the network does not take are lost.
func (s *Sender) flush(err error) error {
	if lost := s.link.Flush(); lost != nil {
		s.log.Debug("sending a batch", "err", lost)
	}
	if err == nil || errors.Is(err, io.ErrClosedPipe) {
		return err
	}
	s.log.Debug("sending packets", "err", err)
	return nil
}
