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
// # Whose path an encoder follows
//
// No viewer's report, true or false, lowers a picture that another one needs:
//
//   - While somebody reads the lanes on the camera itself, to record or upload
//     them ([Adapter.AddReader]), no encoder follows any path.
//   - Otherwise the encoder follows the viewer of its lane with the widest path; if
//     recorders are among them, the recorder with the widest.
//   - With Config.FollowSlowest the encoder follows the narrowest path instead if
//     its lane has no smaller rendition and no recorder. A viewer that itself asked
//     for less (b= in its offer) does not count then while others watch.
//
// A viewer whose path is too narrow for the bitrate that results gets the smaller
// rendition, or key frames only.
//
// A lane is a track of the camera: a rendition of the picture, of which the
// largest comes first, or sound.
package adapt
