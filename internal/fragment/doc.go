// Package fragment makes of a camera's frames what a Kinesis video stream takes:
// fragments of 1 to 20 seconds that follow one another without overlapping, with
// frames of every track that they declare.
//
// A [Cutter] takes frames in the order in which they come. Each track has a time
// line of its own, because the clocks of a camera's encoders differ: PTS gives the
// rhythm, the time of capture aligns the tracks. The frames of all tracks are merged
// by their timestamps and cut into fragments, which stand in the cutter's [Window]
// until whoever sends them takes them out.
//
// The package does no I/O, reads no clock and has no lock: a time is handed in with
// every call, and a Cutter is used by one goroutine at a time.
package fragment
