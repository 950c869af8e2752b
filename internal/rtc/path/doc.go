// Package path is the network as a session sees it, and all that leans on how
// pion uses it: sockets that hand the kernel runs of packets, the hold of DTLS
// packets that overtake a connectivity check, checks that are sent again, the
// interfaces as they are now, TURN servers that are dialed late over TCP and with
// the caller's authorities over TLS, and what pion tells of servers in its log
// alone. All packets between pion and the sockets pass the session's guard, which
// bounds what a peer can make the session keep and send.
package path
