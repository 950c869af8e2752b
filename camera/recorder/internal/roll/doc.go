// Package roll turns events and frames into clips. A [Roll] is a state machine without
// clock, goroutine or I/O: its owner hands in the time, and carries out the steps that
// it answers with, in their order.
//
// The owner loops over the source while [Roll.Wanted], and calls [Roll.Start] before and
// [Roll.SourceEnded] after a loop that ended by itself, [Roll.Tick] once a second; package
// recorder's intake.go does. Each [Kind] says what the goroutine that writes to the card does
// with a step: that of package disk. With Continuous a loop that ends by itself is wanted
// again: the owner lets a second pass before that.
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
