// Package rtc is the WebRTC side of camera and viewer. It and the rooms below it
// are the only ones of the SDK that import pion.
//
// A [Session] is one peer connection. The camera makes it with [Answer] out of
// a viewer's offer, the viewer with [Offer]. Both exchange candidates as they
// come, report each phase of connecting, and end with a reason. What happens to a
// session its owner learns from [Session.Events], in order.
//
// The rooms below:
//
//   - sdp: descriptions and candidates of peers, what is chosen of an offer, the
//     answer. It hides from pion what peers write.
//   - packet: frames to RTP payloads and back.
//   - send: the sending half of a session; one goroutine, no pion.
//   - path: sockets, and all that leans on how pion uses them. Below it, guard
//     bounds what a peer can make a session keep and send.
//   - sctpguard: bounds what pion's SCTP holds for a peer.
//
// For tests, in internal/testing: rtctest makes viewers' sessions, sctptest writes SCTP
// packets as no honest peer would, sdptest has offers as peers write them.
//
// # Sending
//
// A camera's frames stand in one ring. The first session that reaches a frame cuts
// it into RTP payloads; all others use the same cut. Each session's own goroutine
// writes headers, encrypts and sends, so a peer whose socket blocks delays nobody
// else: it is lapped by the ring and goes on at a key frame. Retransmissions read
// the same ring again, so there is one store for all viewers and each of them
// keeps only sequence numbers.
//
// # Receiving
//
// A received stream goes through a reorder buffer that asks for a lost packet
// as soon as the gap is seen and again each round trip, and ends an access unit
// at its marker bit, so a frame waits for nothing that it does not need.
package rtc
