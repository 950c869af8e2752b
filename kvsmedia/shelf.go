package kvsmedia

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/fragment"
)

const (
	// maxUnreceived is how many fragments are taken that the service does not have: what
	// is taken cannot give way to what is more urgent.
	maxUnreceived = 2

	// maxReceipts is how many receipts wait for a slow loop; then no fragment is taken.
	maxReceipts = 16

	// endAfter is how long after a fragment was sent the service is told that it is whole,
	// if none follows.
	endAfter = time.Second
)

// shelf is the source of UploadStored: fragments that are taken from the caller's
// sequence when they can be sent, and the receipts for them. The lock of out guards it.
type shelf struct {
	out    *outgoing
	room   int // bytes
	window fragment.Window
	held   map[*fragment.Fragment]Receipt // of the window, as far as they are known
	hand   *Receipt                       // of the fragment that is being loaded
	ready  []Receipt                      // for the loop
	runs   ingestion
	last   time.Time // when a fragment was taken or sent

	loader loader // of the goroutine that takes fragments
	thrown any    // what the caller's sequences panicked with
	exited bool   // they ended their goroutine
}

func newShelf(cfg *ProducerConfig, out *outgoing) *shelf {
	s := &shelf{out: out, room: cfg.BufferBytes, held: map[*fragment.Fragment]Receipt{}, loader: loader{tracks: cfg.Tracks}}
	out.begin(s, &s.window)
	return s
}

func (s *shelf) correct(fragment.Clock) {} // timestamps are the caller's

func (s *shelf) sending() {}

func (s *shelf) stored(f *fragment.Fragment, number string) {
	r := s.held[f]
	r.Number, r.Run = number, s.runs.add(f.Start, f.Began, number)
	s.settle(f, r)
}

func (s *shelf) refused() {
	for _, f := range s.window.Fragments {
		if f.Refused == nil {
			continue
		}
		s.window.Remove(f)
		s.out.stats.Refused.add(f)
		s.out.acks.add(Ack{Type: AckDropped, Time: f.Time(), Duration: f.Duration(), Err: f.Refused})
		r := s.held[f]
		r.Err = f.Refused
		s.settle(f, r)
		return // one at a time is marked
	}
}

// settle gives out the receipt of a fragment that has left the window.
func (s *shelf) settle(f *fragment.Fragment, r Receipt) {
	delete(s.held, f)
	s.last = later(s.last, f.Sent)
	s.give(r)
}

func (s *shelf) give(r Receipt) {
	s.ready = append(s.ready, r)
	s.out.freed.Broadcast()
}

func (s *shelf) tick(now time.Time) (idle time.Duration) {
	for _, f := range s.window.Fragments {
		if f.Session == 0 {
			continue
		}
		s.last = later(s.last, f.Sent)
		if !f.Ends && now.Sub(f.Sent) >= endAfter {
			f.Ends = true
			s.out.moved.Broadcast()
		}
	}
	return now.Sub(s.last)
}

var errPanicked = errors.New("the sequence of fragments, or of their frames, panicked")

// rethrow passes on a panic of the caller's sequences, once their goroutine has ended.
func (s *shelf) rethrow() {
	if s.exited {
		runtime.Goexit()
	}
	if s.thrown != nil {
		panic(s.thrown)
	}
}

// take takes fragments until the sequence or the upload ends. fail ends the upload.
func (s *shelf) take(fragments iter.Seq[Stored], fail context.CancelCauseFunc) {
	returned := false
	defer func() {
		if returned {
			return
		}
		s.thrown = recover()
		s.exited = s.thrown == nil
		fail(errPanicked)
	}()
	if s.demanded() {
		for st := range fragments {
			if !s.begin(&st) {
				break
			}
			f, length, err := s.loader.load(&st, s.reserve)
			s.place(f, length, err)
			if !s.demanded() {
				break
			}
		}
		s.finish()
	}
	returned = true
}

// demanded waits until another fragment can be sent at once, and reports false when the
// upload has ended.
func (s *shelf) demanded() bool {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	for !s.out.ended {
		unreceived := 0
		for _, f := range s.window.Fragments {
			if f.Received.IsZero() {
				unreceived++
			}
		}
		if s.out.hungry && unreceived < maxUnreceived && len(s.ready) < maxReceipts {
			return true
		}
		s.out.freed.Wait()
	}
	return false
}

// begin notes that a fragment was taken, and reports false if the upload has ended.
func (s *shelf) begin(st *Stored) bool {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	if s.out.ended {
		return false
	}
	s.hand = &Receipt{Key: st.Key, Time: st.Time}
	return true
}

// reserve waits for room for so many bytes of the fragment that is being loaded.
func (s *shelf) reserve(bytes int) error {
	if bytes > s.room {
		return fmt.Errorf("it has more than ProducerConfig.BufferBytes, %d", s.room)
	}
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	for !s.out.ended && s.window.Bytes+bytes > s.room {
		s.out.freed.Wait()
	}
	if s.out.ended {
		return ErrUploadEnded
	}
	return nil
}

// place puts a fragment that was loaded into the window, or gives the receipt of one that
// could not be.
func (s *shelf) place(f *fragment.Fragment, length time.Duration, err error) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	if s.hand == nil {
		return // the upload has ended, and has given its receipt
	}
	r := *s.hand
	s.hand = nil
	if err != nil {
		r.Err = fmt.Errorf("kvsmedia: stored fragment %q: %w", r.Key, err)
		s.give(r)
		return
	}
	r.Time, r.Length = f.Time(), length
	s.held[f] = r
	s.window.Put(f)
	s.last = time.Now()
	s.out.feed()
}

// finish notes that no fragment comes any more.
func (s *shelf) finish() {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.out.over = true
	s.out.moved.Broadcast()
}

// next waits for a receipt. It returns false when the upload has ended and there is none
// any more.
func (s *shelf) next() (Receipt, bool) {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	for len(s.ready) == 0 && !s.out.ended {
		s.out.freed.Wait()
	}
	if s.out.ended {
		s.drop()
	}
	if len(s.ready) == 0 {
		return Receipt{}, false
	}
	r := s.ready[0]
	s.ready = s.ready[1:]
	s.out.freed.Broadcast()
	return r, true
}

// drop gives out the receipts of what is not stored when the upload ends.
func (s *shelf) drop() {
	for _, f := range s.window.Fragments {
		r := s.held[f]
		r.Err = ended(s.out.stats.Err)
		s.settle(f, r)
	}
	s.window = fragment.Window{}
	if s.hand != nil {
		s.hand.Err = ended(s.out.stats.Err)
		s.give(*s.hand)
		s.hand = nil
	}
}

// close forgets what a loop that was left did not wait for.
func (s *shelf) close() {
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.drop()
}

// ingestion finds the runs that stored fragments are in, as far as they are known here:
// see [Run].
type ingestion struct {
	number string // of the first fragment of the run
	start  int64  // of the latest one, ms
	began  time.Time
}

// add returns the number of the first fragment of the run that a fragment is in whose
// sending began at a time.
func (in *ingestion) add(start int64, began time.Time, number string) string {
	if in.number != "" && began.Before(in.began) {
		return in.number // an acknowledgement that was overtaken
	}
	media, took := time.Duration(start-in.start)*time.Millisecond, began.Sub(in.began)
	if in.number == "" || media <= 0 || took-media > runPause {
		in.number = number
	}
	in.start, in.began = start, began
	return in.number
}

// ended returns the error of what an upload leaves.
func ended(why error) error {
	if why == nil {
		return ErrUploadEnded
	}
	return fmt.Errorf("%w: %w", ErrUploadEnded, why)
}
