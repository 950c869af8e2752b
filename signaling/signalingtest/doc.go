// Package signalingtest is a stand-in for the signaling service of Amazon Kinesis
// Video Streams with WebRTC, for tests and for work without AWS.
//
// A [Server] is ready to use. Its Config configures the signaling package, its AWS any
// other client:
//
//	srv := signalingtest.NewServer(signalingtest.Config{})
//	defer srv.Close()
//	master, err := signaling.DialMaster(ctx, srv.Config("front-door"))
//
// [NewPipeServer] does without sockets, for testing/synctest, where the hour until a
// connection expires passes at once. [New] makes a [Service], which is the same as an
// http.Handler for a server of one's own.
//
// # What it enforces
//
// Signatures are verified over the bytes received. Requests are refused with the status
// and name that AWS documents; calls and messages are held to the quotas ([Limits]);
// undelivered messages wait for the channel's time to live; a second master displaces
// the first; departed viewers hold their slots; connections are idle, lonely or old only
// as long as [Timing] says. Where AWS documents nothing, [Variants] choose.
//
// # What it can do wrong
//
// [Service.Refuse], [Service.Drop], [Service.Delay], [Service.Skew] and
// [Service.SetOutage] disturb calls. The methods of a [Conn] disturb a connection: Drop,
// Stall, GoAway, ReconnectICE, Expire, Inject.
//
// # What it tells
//
// [Service.Calls] counts calls, so that a test can show that there were none;
// [Service.Events] is the whole story; [Service.Wait] waits for a condition.
//
// # What it keeps
//
// Config.Dir keeps channels with their ARNs, versions, tags and storage configurations,
// so that clients go on after a restart with what they have cached. Connections and
// undelivered messages are not kept.
//
// # How it ends
//
// [Service.Close] ends everything, waits for five seconds at the longest, and returns an
// error that names what hangs still.
//
// Sources: the API reference and the developer guide of Kinesis Video Streams with WebRTC
// ("WebSocket APIs", "Service quotas", "Asynchronous message reception").
package signalingtest
