// Package plan decides which fragment of which clip goes up next. A [Plan] has no clock,
// no goroutine and does no I/O.
//
// # How the owner's loop looks
//
//	func (r *Recorder) next(ctx context.Context) iter.Seq[kvsmedia.Stored] {
//		return func(yield func(kvsmedia.Stored) bool) {
//			for ctx.Err() == nil {
//				r.mu.Lock()
//				n := r.plan.Next(r.now())
//				r.mu.Unlock()
//				switch n.Do {
//				case plan.Load: // what the clip has, what of it is sent
//					fragments := r.catalog.Fragments(n.Clip)
//					r.mu.Lock()
//					r.plan.Load(n.Clip, fragments...)
//					r.mu.Unlock()
//				case plan.Send:
//					if !yield(r.stored(n.Clip, n.Fragment)) {
//						return
//					}
//				case plan.Wait:
//					wait(ctx, r.changed, n.Until) // r.changed: something was added to the plan
//				}
//			}
//		}
//	}
//
//	func (r *Recorder) upload(ctx context.Context) {
//		for receipt, err := range r.uploader.UploadStored(ctx, r.next(ctx)) {
//			// first the receipt goes to the card, then
//			r.plan.Done(clip, fragment)
//		}
//		r.plan.Release() // what was under way goes up again in the next session
//	}
//
// # The order
//
// First comes the new clip: the one that is recorded now, fragment by fragment as they are
// committed, before it the rest of the one before if that has begun to go up. A new clip
// nothing of which went up before the next one began is backlog, as are all clips of
// before the start. Of the backlog a clip that has begun to go up is finished first; then
// come the others, newest or oldest first. Each fragment is decided upon when it is
// asked for, so the backlog yields to a new clip at the end of a fragment. The rate limit
// is for the backlog alone. Clips whose time is not known wait until it is.
package plan

import "time"

// Order is the order of the backlog.
type Order uint8

const (
	NewestFirst Order = iota
	OldestFirst
)

// Clip is what a plan knows of a clip before its turn.
type Clip struct {
	Seq     uint64 // in which clips were made; names the clip
	Live    bool   // it is being recorded: its fragments come with Commit until End
	Begun   bool   // some of it is in the cloud
	Undated bool   // its time is not known: see Dated
}

// Fragment is a part of a clip's file that goes up as one.
type Fragment struct {
	File     uint64 // sequence number
	From, To int    // clusters, both included
	Bytes    int64
	Settled  bool // in Load: it is in the cloud, or will never be
}

// Do is what the owner has to do next.
type Do uint8

const (
	Wait Do = iota // until Next.Until, or until something changes
	Load           // call Plan.Load for Next.Clip
	Send           // Next.Fragment of Next.Clip
)

// Next is the answer of Plan.Next.
type Next struct {
	Do       Do
	Clip     uint64
	Fragment Fragment
	Until    time.Duration // Wait: when the rate allows more; Never if only a change does
}

// Never is later than any time.
const Never = time.Duration(1<<63 - 1)

// Plan holds what is to go up. Its methods are called by one goroutine at a time, with
// times of a monotonic clock. Clips and fragments it does not know are ignored in all of
// them: they were removed in the meantime.
type Plan struct{}

// New returns an empty plan.
func New(order Order) *Plan { panic("not yet") }

// SetRate limits the backlog, in bit/s; 0 is no limit.
func (p *Plan) SetRate(rate int) { panic("not yet") }

// Add adds clips. One that is there stays as it is.
func (p *Plan) Add(clips ...Clip) { panic("not yet") }

// Dated says that a clip's time is known.
func (p *Plan) Dated(clip uint64) { panic("not yet") }

// Commit adds fragments, which are whole and on the card, to a live clip.
func (p *Plan) Commit(clip uint64, fragments ...Fragment) { panic("not yet") }

// End says that a live clip has no more fragments, and reports whether all of it is
// settled: the plan has forgotten it then.
func (p *Plan) End(clip uint64) (settled bool) { panic("not yet") }

// Load says which fragments a clip has that Next asked for, and reports whether all of it
// is settled: the plan has forgotten it then.
func (p *Plan) Load(clip uint64, fragments ...Fragment) (settled bool) { panic("not yet") }

// Next returns what to do now. The fragment to send is under way from then on, until Done
// or Release.
func (p *Plan) Next(now time.Duration) Next { panic("not yet") }

// Done says that a fragment, wherever it was, needs not go up any more: it is in the
// cloud, was refused for good, cannot be read or was evicted. It reports whether all of
// the clip is settled: the plan has forgotten it then.
func (p *Plan) Done(clip uint64, f Fragment) (settled bool) { panic("not yet") }

// Release says that the upload has ended: what was under way is to be sent again.
func (p *Plan) Release() { panic("not yet") }

// Remove forgets a clip: it was deleted or evicted.
func (p *Plan) Remove(clip uint64) { panic("not yet") }
