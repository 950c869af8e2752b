package kvsmedia

import (
	"log/slog"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/fragment"
	"github.com/smartcam-sdk/smartcam/internal/safelog"
)

// outgoing is the fragments on their way to the service, and what became of those before
// them. Its lock guards it, the source that the fragments come from, and the upload and
// the session that work on it.
type outgoing struct {
	log     *slog.Logger
	control func() time.Time // the time by the control plane's answers

	mu     sync.Mutex
	moved  sync.Cond // for who sends: something of what mu guards has changed
	freed  sync.Cond // for who brings frames or waits for what becomes of them: there is room, demand or news, or the upload has ended
	hungry bool      // who sends has nothing left to send; nobody is woken for a frame otherwise
	source source
	window *fragment.Window // of source
	server serverClock
	pace   pace
	stats  Stats
	acks   ackLog

	trouble safelog.Outage // of sessions

	// Of the upload that runs.
	over  bool // no fragment comes any more
	ended bool // no session will be made any more

	sessions int         // that were made
	session  int         // number of the one that is open, 0 for none
	fail     func(error) // ends it
}

// source is where the fragments come from. Its methods are called with the lock held.
type source interface {
	correct(fragment.Clock)                     // what is known of the time has changed
	sending()                                   // the service sees the timestamps of what is there from now on
	stored(f *fragment.Fragment, number string) // the service has stored a fragment, which has left the window
	refused()                                   // a fragment is marked as refused
	tick(now time.Time) (idle time.Duration)    // a second has passed; idle is for how long nothing came
}

func (o *outgoing) init(log *slog.Logger, control func() time.Time) {
	o.log, o.control = log, control
	o.moved.L, o.freed.L = &o.mu, &o.mu
}

// begin makes ready for an upload.
func (o *outgoing) begin(s source, w *fragment.Window) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.source, o.window = s, w
	o.hungry, o.over, o.ended = false, false, false
}

// clock returns what is known of the time.
func (o *outgoing) clock() fragment.Clock { return o.server.clock(time.Now(), o.control()) }

// learn sets the clock by the Date of an answer.
func (o *outgoing) learn(date time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.server = serverClock{date, time.Now()}
	o.source.correct(o.clock())
}

// wake has all look again who wait for something to send.
func (o *outgoing) wake() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.moved.Broadcast()
}

// demand notes that there is nothing left to send.
func (o *outgoing) demand() {
	o.hungry = true
	o.freed.Broadcast()
}

// feed wakes who has nothing left to send.
func (o *outgoing) feed() {
	if o.hungry {
		o.hungry = false
		o.moved.Broadcast()
	}
}

// safe notes that the service has stored a fragment.
func (o *outgoing) safe(f *fragment.Fragment, number string) {
	o.stats.Stored.add(f)
	o.window.Remove(f)
	o.source.stored(f, number)
	o.freed.Broadcast()
}

// open notes that a session has begun, which fail ends, and returns its number.
func (o *outgoing) open(fail func(error)) int {
	o.sessions++
	o.session, o.fail = o.sessions, fail
	return o.session
}

// leave notes that the session is over: what it sent is to be sent again, but for what
// was acknowledged.
func (o *outgoing) leave() {
	for _, f := range o.window.Fragments {
		f.Release()
	}
	o.session, o.stats.Connected = 0, false
}

// end notes why no session will be made any more, nil if all is done.
func (o *outgoing) end(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ended, o.stats.Err = true, err
	o.freed.Broadcast()
}
