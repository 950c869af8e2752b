// Package command is the request, reply and notice protocol that a camera and
// its viewers speak over a data channel: both ends of it, independent of what
// carries the messages.
//
// # The protocol, for writers of other clients
//
// The viewer opens a reliable, ordered data channel labelled "smartcam". What
// follows is a whole client's worth of it.
//
// The first byte of each channel message says what the message is:
//
//	{   one whole JSON message, starting with this byte
//	+   a piece of a JSON message, with more pieces to follow
//	.   the last piece; a message of this byte alone drops the pieces before it
//
// The pieces of a message, without their first bytes, make the JSON message.
// A JSON message that is larger than 16 KiB (16384 bytes) is sent in pieces of at most 16 KiB,
// first byte included, as binary channel messages; a smaller one is sent whole,
// as text. A JSON message has at most 1 MiB (1048576 bytes). Whole messages may
// come between the pieces of another, but only one message at a time is in
// pieces. A sender that gives up in the middle of a message sends a lone "."
// before the next piece.
//
// A JSON message is an object of one of these shapes:
//
//	{"id":1,"call":"light","body":{"night":true}}                    request
//	{"id":1,"reply":{"night":true}}                                  its reply
//	{"id":1,"error":{"code":"unknown","message":"no such command"}}  or its refusal
//	{"notice":"motion","body":{"area":0.2}}                          notice, unanswered
//
// Either side may call the other. The caller chooses the id, a whole number
// from 1 to 2^53-1 that none of its unanswered requests has. The body may be
// missing; a reply has its key even if its value is null. Replies come in any
// order. Keys and messages that a receiver does not know are ignored, so both
// sides can be extended.
//
// Codes are "unknown" (no such command), "bad request" (the body does not fit
// the command), "busy" (eight requests are already under way), "failed"
// (anything else), or the application's own.
//
// A side that receives an unknown first byte, a message above 1 MiB, text that
// is not JSON, or requests faster than it gets rid of its refusals closes the session.
//
// # Use
//
// A [Session] is one end. Its owner brings a [Channel] to send on, and hands
// each incoming message to [Session.Receive]. [Session.Call],
// [Session.Notify] and [Session.Notices] are safe for concurrent use. A
// session starts goroutines only to answer requests. [Session.Close] ends the
// session at once, whatever they do; [Session.Done] tells when they are gone.
package command
