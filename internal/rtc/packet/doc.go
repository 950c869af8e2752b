// Package packet cuts frames into RTP payloads and makes frames of received RTP
// packets. It has no clock, no goroutine and no socket: times come in as
// arguments.
//
// A [Unit] is a frame in a camera's ring, cut once for all sessions that send it.
// A received stream goes through a [Reorder], which says which packets to ask for
// again, and an [Assembler], which ends an access unit at its marker bit.
package packet
