// Package kvsmediatest is a stand-in for the media plane of Amazon Kinesis Video
// Streams, for tests and for work without AWS: the control plane of streams,
// PutMedia, and the archive.
//
// A [Server] is ready to use. Its Config configures a producer, its AWS any other
// client:
//
//	srv := kvsmediatest.NewServer(kvsmediatest.Config{})
//	defer srv.Close()
//	cfg := srv.Config("front-door") // a kvsmedia.ProducerConfig
//
// [NewPipeServer] does without sockets, for testing/synctest, where the 45 minutes until
// a connection expires pass at once. [New] makes a [Service], which is the same as an
// http.Handler for a server of one's own.
//
// # What it enforces
//
// Signatures are verified over the bytes received. Requests are refused with the status
// and name that AWS documents, and held to the quotas ([Limits]). Changes of a stream need
// its version, and take a while ([Timing]) in which there can be no other. Media is parsed
// as it arrives and acknowledged fragment by fragment; what breaks a rule ends the
// connection with the acknowledgement that names it. A fragment that was not received whole
// does not exist. Where AWS documents nothing, [Variants] choose.
//
// # What it plays
//
// Clips, HLS (MP4 and MPEG-TS) and DASH are made of what was stored, for any player, with
// the service's own rules about codecs, codec private data and changes of tracks. Of a
// range of producer timestamps they have the oldest run alone: the first fragment that was
// ingested and those ingested immediately after it, but not what was ingested at a very
// different time, such as into a gap. Images of tagged fragments, and those of GetImages,
// are the snapshots of their source ([Service.AddSnapshot]), or made by ffmpeg, which must
// be installed then; they go to Config.PutImage, notifications to Config.Notify.
//
// # What it can do wrong
//
// [Service.Refuse], [Service.Drop], [Service.Delay], [Service.Skew] and
// [Service.SetOutage] disturb calls. [Service.Inject] disturbs connections at chosen moments
// of chosen fragments, the methods of an [Upload] at once: drop, stall, slow
// acknowledgements, every error acknowledgement. [Service.InjectRead] breaks media that is
// read.
//
// # What it tells
//
// [Service.Calls] counts calls, so that a test can show that there were none;
// [Service.Events] is the whole story; [Service.Wait] waits for a condition;
// [Service.Fragments] is what is stored.
//
// # What it keeps
//
// Config.Dir keeps streams with their ARNs, versions, tags and configurations, and each
// fragment, byte for byte as it came, before it is acknowledged as PERSISTED. Connections
// and the sessions of HLS and DASH are not kept: their URLs are refused after a restart as
// expired ones are.
//
// # How it ends
//
// [Service.Close] ends everything, waits for five seconds at the longest, and returns an
// error that names what hangs still.
//
// Sources: the API reference and the developer guide of Kinesis Video Streams
// ("PutMedia", "Kinesis Video Streams quotas", "Data model"), and captures of the
// service where these do not agree with it.
package kvsmediatest
