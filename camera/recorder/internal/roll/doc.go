// Package roll turns events and frames into clips. A [Roll] is a state machine without
// clock, goroutine or I/O: its owner hands in the time, and carries out the steps that
// it answers with, in their order.
//
// # How the owner's loop looks
//
// now is the monotonic time since some moment, mu guards the Roll and the order of what is
// pushed, wake is a channel with room for one.
//
//	func (r *Recorder) Trigger(e Event) (ClipID, error) {
//		r.mu.Lock()
//		defer r.mu.Unlock()
//		clip, steps := r.roll.Trigger(r.now(), roll.Event{At: at, Info: e})
//		r.queue.Push(steps...) // Push copies them
//		wake(r.wake)
//		return ClipID(clip), nil
//	}
//
//	func (r *Recorder) intake(ctx context.Context) {
//		for wait(ctx, r.wake) {
//			r.record(ctx)
//		}
//	}
//
//	func (r *Recorder) record(ctx context.Context) {
//		for {
//			r.mu.Lock()
//			loop, stop := context.WithCancel(ctx)
//			preRoll, wanted := r.roll.Start(r.now())
//			r.stop = stop // for the tick
//			r.mu.Unlock()
//			if !wanted || ctx.Err() != nil {
//				stop()
//				return
//			}
//			for f := range r.source.Frames(loop, preRoll) {
//				r.mu.Lock()
//				r.queue.Push(r.roll.Frame(r.now(), f)...)
//				wanted = r.roll.Wanted()
//				r.mu.Unlock()
//				if !wanted {
//					break
//				}
//			}
//			stop()
//			r.mu.Lock()
//			r.queue.Push(r.roll.SourceEnded(r.now())...) // nothing if no frames were wanted any more
//			r.mu.Unlock()
//		}
//	}
//
//	func (r *Recorder) tick() { // once a second
//		r.mu.Lock()
//		defer r.mu.Unlock()
//		r.queue.Push(r.roll.Tick(r.now())...)
//		if !r.roll.Wanted() {
//			r.stop() // the loop may wait for a frame that does not come
//		}
//	}
//
// With Continuous a loop is wanted from the start, and at once again when it ends by itself:
// the owner wakes intake once, and lets a second pass after such an end. When it stops it
// pushes what Stop returns and closes the queue.
//
// The goroutine that writes to the card pops the steps and carries them out:
//
//	switch s.Kind {
//	case roll.Begin:  // a record of a clip; its file is created with its first frame
//	case roll.Join:   // another event in the record
//	case roll.Frame:  // into the clip's file, or with Continuous into the one recording
//	case roll.Anchor: // media time is known: base of the file
//	case roll.Span:   // with Continuous: where the clip begins in the recording
//	case roll.Cut:    // with Continuous: the file is closed, the next frame begins another
//	case roll.End:    // the clip's file is closed, or where the clip ends in the recording
//	case roll.Warn:   // log
//	}
//
// # Clips
//
// The leading track is the first video track, or the first track if there is none. A
// clip begins at a key frame of the leading track and ends before one. What is recorded
// follows from the frames alone: clips never overlap, and no frame between two clips is
// lost if the source still has it when the later one begins.
//
// A clip ends before the first key frame after the last event's moment and the post-roll.
// Where a GOP is long that may be much later; cutting in the midst of a GOP instead would
// leave a rest that no later clip could begin with. Only if no key frame comes for 30 s
// is the clip cut anywhere.
//
// # Time
//
// Events happen on the monotonic clock, frames have media time (PTS). The roll maps one to
// the other by the least difference of arrival and PTS in the last minute of the loop; it
// knows the difference once the loop has caught up with live frames, at least a second
// after its start. Until then frames are passed on, but no clip ends for its post-roll: a
// clip of an event that is older than its post-roll reaches until now.
//
// Where media time jumps, back or by more than 10 s ahead of what the time of arrival
// explains, the clip ends, and what is wanted goes on in the next one. A camera's media time
// does not jump (see WriteFrame of package camera); of another source whose media time is set
// back, a pre-roll that reaches over the place may be recorded twice.
package roll
