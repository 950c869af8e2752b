// Package send is the sending half of a session: at most one picture and one
// sound out of a camera's ring, sent by one goroutine to one peer.
//
// A [Sender] reads the ring, writes RTP headers, and hands packets to a [Link],
// which encrypts and sends. It is paced by an estimate of the path (package bwe),
// made from the peer's feedback; retransmissions, which read the ring again, count
// as well. A sender whose peer falls behind the newest picture goes on at a key
// frame; so does one that was paused, and one that changes to another rendition.
// All time stamps, sequence numbers and the transport-wide numbers go on as if
// nothing had happened.
//
// The room imports no WebRTC. Its clock is package time's, so that
// testing/synctest can replace it.
package send
