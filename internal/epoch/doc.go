// Package epoch maps the presentation times (PTS) of tracks, as encoders give them,
// to media times that go on when PTS wraps, is set back by an encoder that restarts,
// leaps or strays.
//
// A track's media time is its PTS plus an offset, at first 0, that stays until an
// epoch ends: when a PTS is not after the ones before, or further ahead than the
// time that has passed explains. A frame is expected as long after the one before as
// the times of capture are apart, or the times of arrival if a time of capture is
// missing or the wall clock was set in between. The next offset is the one of these
// that puts the frame nearest to there,
//
//   - one that the track had a moment ago: the frame before was a stray;
//   - the same and the length of a counter's round, for a counter that wrapped;
//   - that of another track whose epoch began a moment ago, or one that is changed as
//     much: tracks that leap together keep their relation;
//
// or, if none puts it near enough, one that puts it there. A track that begins far
// from where the others are is put there as well.
//
// The first frame of an epoch may be a stray. It moves nothing until the second one
// has come: if that continues the epoch before, no later frame is moved.
package epoch
