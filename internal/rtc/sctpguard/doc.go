// Package sctpguard bounds what pion's SCTP holds for a peer.
//
// The receive window of SCTP (RFC 9260, 6.2) charges payload alone, and pion
// enforces no other bound: a DATA chunk of one byte that waits behind a missing one
// costs it some 330 bytes and the packet that the chunk came in, so a window of 1
// MiB can hold several hundred MB. pion has an option against that
// (sctp.WithMaxReassemblyQueueEntries), which its webrtc package does not expose,
// and no place between DTLS and SCTP where packets could be looked at: a custom
// cipher suite is never chosen for an ID that pion itself implements.
//
// What pion does expose is its log. SCTP tells it of each DATA chunk, of each SACK
// and of each stream reset, from the goroutine that works on it. A [Guard] listens,
// counts what came against what the session has read, and has the association
// aborted if too much is held. The count is never below the truth, whatever the
// peer sends; for an honest peer it runs ahead of it by little, and is corrected by
// the window that SACKs advertise.
//
// No line is formatted and nothing of it is logged.
package sctpguard
