// Package adapt decides which rendition of the picture each viewer gets and
// which bitrate each encoder aims at, from what is known of the network paths to
// the viewers.
//
// An [Adapter] is a pure core: it has no clock, starts nothing and sends nothing.
// Its owner tells it what the encoders make ([Adapter.SetRate],
// [Adapter.SetDecoder]), who watches ([Adapter.Join], [Adapter.Leave]) and what
// each path carries ([Adapter.Report]), each with the time at which that became
// known. The adapter answers through [Session], for one viewer, and through
// Config.Hint, for an encoder.
//
// A lane is a track of the camera: a rendition of the picture, of which the
// largest comes first, or sound.
package adapt
