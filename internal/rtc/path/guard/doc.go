// Package guard bounds what the peer of one session can make it keep and send.
//
// Pion keeps state for as long as a session lasts for each address that passes a
// connectivity check and for each SSRC of an authenticated packet, and a peer can
// use as many of both as it likes. Pion also sends a check every 200 ms to every
// address that a peer names, whether anybody is there or not. A [Guard] reads the
// clear parts of the packets between pion and the sockets and refuses what goes
// beyond the bounds: a [Flow] is a candidate's socket, a [Relay] is a connection to
// a TURN server.
package guard
