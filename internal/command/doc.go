// Package command is the request, reply and notice protocol that a camera and
// its viewers speak over a data channel: both ends of it, independent of what
// carries the messages.
//
// The wire form, and the notices that a camera itself sends, are in the documentation
// of package camera, under "Command protocol".
//
// # Use
//
// A [Session] is one end. Its owner brings a [Channel] to send on, and hands
// each incoming message to [Session.Receive]. [Session.Call],
// [Session.Notify] and [Session.Notices] are safe for concurrent use. A
// session starts goroutines only to answer requests. [Session.Close] ends the
// session at once, whatever they do; [Session.Done] tells when they are gone.
package command
