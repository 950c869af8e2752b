// Package status serves what a camera knows of itself, for its maker's monitoring:
// [Report] as JSON at /status, and figures as Prometheus text at /metrics
// (exposition format 0.0.4).
//
//	curl http://127.0.0.1:9090/status
//	curl http://127.0.0.1:9090/metrics
//
// The names in both are stable: later versions add to them. Durations are in seconds,
// sizes in bytes. The metrics are sums over all viewers, with no label that a viewer
// chooses, so that their number is that of the camera's tracks; a single viewer, with
// its network addresses, is in the JSON alone. Neither holds keys, tokens or passwords.
//
// The server asks for no password. It listens on this machine unless its address names
// another; whoever reaches that address can read who watches the camera, from where.
// It answers requests for the address, for localhost and for the host name that it was
// given, so that no page of another site reads it through a name of its own (DNS
// rebinding).
package status
