// Package ring holds the one bounded buffer between writers of media and all
// of its readers: pre-roll, live fan-out, the joiner's key frame cache and the
// retransmission store are cursors into one [Ring].
//
// An [Item] belongs to a lane, one per track, and has a sequence number, which
// [Ring.Push] hands out from 1 on over all lanes. A key item is one at which a
// reader may start or resume its lane: a key frame of video, every packet of
// audio.
//
// # What is kept
//
// The ring drops its oldest items until both hold: at most Config.Bytes are
// charged, and everything was pushed within the last Config.Keep of media time. The
// second rule never takes the newest key item of a lane nor anything after it,
// so a reader that joins always finds something to decode, nor what a reader that
// holds ([Reader.Hold]) has yet to read; the first does.
// The newest item is always there, even if it alone is larger than the budget:
// refusing it would leave every reader with a hole that nothing announces. An
// item is charged its Size and its place in the table, whose slots are up to twice
// as many as the items while it grows, and at most eight times as many, or 256, when
// it has drained.
//
// The media times of different lanes are never compared: clocks of tracks drift
// apart. The ring's own clock goes on by what the lane has advanced that is ahead
// since it began; a media time that is set back by more than Keep begins anew from
// there, and one set back by less (B-frames) advances nothing until it is made up.
//
// A ring with Config.Queue drops items even sooner, once all readers have passed
// them, the newest included, but for the newest Config.Linger bytes.
//
// [Ring.Clear] drops everything at once, the newest included.
//
// # Readers
//
// Push never waits. A reader that falls so far behind that items of its lanes
// were dropped goes on, on each lane that lost some, at the next key item, and
// is told how many items of its lanes it lost. Lanes on which every item is a
// key item therefore resume at once. In the same way a lane begins at its
// first key item after the place where the reader starts.
//
// Every method of a Ring may be called from any goroutine. Next, TryNext and
// Wait of one [Reader] belong to one goroutine; its other methods may be called
// from any.
package ring
