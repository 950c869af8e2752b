// Package signaling is the meeting point of a camera and its viewers: an Amazon
// Kinesis Video Streams signaling channel, over which they exchange the offers,
// answers and candidates that open a WebRTC session. Camera and viewer packages
// build on it; it holds no media and no WebRTC.
//
// A camera connects with [DialMaster] and loops over [Client.Receive]:
//
//	c, err := signaling.DialMaster(ctx, signaling.Config{AWS: cfg, Channel: "front-door"})
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	for {
//		m, err := c.Receive(ctx)
//		if err != nil {
//			return err // permanent, or ctx ended
//		}
//		switch m.Kind {
//		case signaling.Offer: // answer with c.Send
//		}
//	}
//
// A viewer with AWS credentials uses [DialViewer]. One without gets a [Grant]
// from a backend, which made it with [PresignViewer], and uses [DialURL]; a
// browser opens the grant's URL itself.
//
// # Staying connected
//
// Once connected a [Client] stays so until Close, or until a permanent reason:
// a configuration that cannot work, no permission, no such channel. Everything
// else is retried without limit, and told on Config.States and in the log: each new
// reason at once, repeats at intervals that grow to an hour.
//
//   - A ping every 10 s finds a dead path within 20 s, [Client.Ping] at once.
//   - A connection whose local address is gone, as after a change from Wi-Fi to a
//     mobile network, is replaced within half a second of there being a network.
//   - Attempts start at once, then at growing, jittered intervals of up to 3 s; one
//     that hangs does not hold up the next, so an outage's end is found within
//     about 3 s.
//   - Before the service's limit of an hour, and at its GO_AWAY, a new connection is
//     opened first and the old one read on for 5 s: no message is lost.
//   - A connection that ends within 2 minutes, three times in a row, may tell of a
//     competing client ([ErrCompeting]); intervals then grow to a minute.
//   - Expired credentials are fetched anew if the provider has an Invalidate
//     method, as aws.CredentialsCache and package iotcreds do.
//   - A wrong clock is corrected, for signatures, from the service's Date, or in
//     advance by what package iotcreds knows. TLS needs the date too: a device that
//     starts in 1970 connects once its clock is set, or by the time of package
//     iotcreds if Config.AWS leaves HTTPClient nil.
//   - Cached endpoints that lead nowhere are fetched anew.
//
// Sessions between peers do not depend on the signaling connection and should
// outlive its end.
//
// # ICE servers
//
// [Client.ICEServers] returns TURN credentials that work for at least another
// minute. A master has them ready at any time: they are fetched while it
// connects, renewed before they expire and replaced when the service asks, once
// for all callers and within the quota.
//
// # Messages
//
// Both spellings of the service's messages are read, and both base64 alphabets,
// so every AWS SDK can be the peer. The service keeps a message for an absent
// peer for the channel's message TTL, may deliver one twice, and confirms
// none: it only reports refusals, which arrive as [Rejected] messages.
//
// # Endpoints
//
// Regions of every partition are known, with dual-stack and FIPS endpoints
// ([Config], or the shared configuration of the AWS SDK). BaseEndpoint and the
// service-specific endpoint settings of the AWS SDK lead elsewhere; the STUN
// server of the region is then left out of the ICE servers. URLs of the service
// may have ports. Where the control plane is reached over https, the endpoints
// that it names, and those of a cache, must be wss:// and https://, and a grant's
// wss:// ([EndpointError]); under a control plane at http://, as that of a
// stand-in may be, they may be ws:// and http://.
//
// # Permissions
//
// On the channel's ARN, a master needs kinesisvideo:DescribeSignalingChannel (not
// if Channel is an ARN), GetSignalingChannelEndpoint, GetIceServerConfig and
// ConnectAsMaster, and with Create also CreateSignalingChannel; a viewer the same
// with ConnectAsViewer, and so does who calls [PresignViewer]. With Storage
// JoinStorageSession or JoinStorageSessionAsViewer is added. The name in an ARN of a
// policy is followed by the time of creation: channel/NAME/*.
//
// # Errors
//
//   - [*ConfigError]: the Config cannot work; it names the field.
//   - What satisfies smithy.APIError: the service's refusal of a call or a
//     connection, such as ResourceNotFoundException or AccessDeniedException.
//   - [*EndpointError]: the control plane leads to an address that credentials must
//     not be sent to.
//   - [*RejectedError], in a message: the service's refusal of one message.
//   - [ErrGrantExpired]: a granted viewer needs a new grant.
//   - [ErrCompeting], in [State].Err: another client may have this one's place.
//   - net.ErrClosed after Close, ctx's error when ctx ends.
//
// [CommandError], [Refusal] and [ConnectReport] are what packages camera and
// viewer have in common; nothing in this package makes them.
//
// # Management
//
// [Channels] makes the control-plane calls: create, describe, list, tag,
// delete, media storage.
package signaling
