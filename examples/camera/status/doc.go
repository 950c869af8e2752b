// Package status serves what a camera knows of itself, for its maker's monitoring:
// [Report] as JSON at /status, and figures as Prometheus text at /metrics
// (exposition format 0.0.4).
//
//	curl http://127.0.0.1:9090/status
//	curl http://127.0.0.1:9090/metrics
//
// The names in both are stable: later versions add to them. In the JSON they are in camel
// case with the unit at the end: durations are numbers of seconds (rttSeconds), rates bit/s
// (bitsPerSecond), shares 0 to 1 (lossRatio), times RFC 3339 in UTC; sizes are in bytes, other
// numbers count things. What is not known is null, a reason that there is not is "". The
// metrics are in Prometheus's base units: seconds, bytes, bytes per second.
//
// A healthy session has unusableCandidates as well: those of the viewer's candidates that
// are unreadable, over TCP, too many, or a host name, as a browser gives for the addresses
// of its own network. unplacedPackets are RTP packets of a payload type that was not
// negotiated.
//
// The metrics are sums over all viewers, with no label that a viewer
// chooses, so that their number is that of the camera's tracks; a single viewer, with
// its network addresses, is in the JSON alone. Neither holds keys, tokens or passwords.
//
// Beside them the server has the routes of package clipapi, if the camera keeps clips.
//
// The server asks for no password. It listens on this machine unless its address names
// another; whoever reaches that address can read who watches the camera, from where, and
// see and delete its clips. It answers requests for the address, for localhost and for the
// host name that it was given, so that no page of another site reads it through a name of
// its own (DNS rebinding), and no request that such a page makes (Origin).
package status
