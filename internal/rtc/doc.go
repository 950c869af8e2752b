// Package rtc is the WebRTC side of camera and viewer, and the only package of
// the SDK that imports pion.
//
// A [Session] is one peer connection. The camera makes it with [Answer] out of
// a viewer's offer, the viewer with [Offer]. Both exchange candidates as they
// come, report each phase of connecting, and end with a reason.
//
// # Sending
//
// A camera's frames stand in one ring as [Unit]s. The first session that
// reaches a unit cuts it into RTP payloads; all others use the same cut. Each
// session's own goroutine writes headers, encrypts and sends, so a peer whose
// socket blocks delays nobody else: it is lapped by the ring and goes on at a
// key frame. Retransmissions read the same ring again, so there is one store
// for all viewers and each of them keeps only sequence numbers.
//
// What the peer reports about arrivals goes into an estimate of the path
// (package bwe), which paces what is sent, retransmissions included, and is told
// to the owner. On the owner's wish a session changes to another rendition, at
// its next key frame and with RTP going on as if nothing had happened, or
// leaves out all pictures but key frames. A peer that falls behind the newest
// picture, as its path is too slow, goes on at a key frame as well.
//
// # Receiving
//
// A received stream goes through a reorder buffer that asks for a lost packet
// as soon as the gap is seen and again each round trip, and ends an access unit
// at its marker bit, so a frame waits for nothing that it does not need.
package rtc
