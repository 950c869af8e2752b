// Package e2e holds the end-to-end tests: cameras and viewers of this module
// meet clients that others wrote, through the stand-in cloud, on one machine.
//
//   - The AWS JavaScript SDK for Kinesis Video Streams with WebRTC, in headless
//     Chromium, as viewer and as master.
//   - The AWS SDK for JavaScript v3 in Node, on the control plane and reading
//     the media that a camera has sent; the AWS CLI, likewise.
//   - hls.js in Chromium, playing what was recorded and what is being recorded.
//   - Chromium, GStreamer's webrtcbin and Python's aiortc as viewers, with each of
//     their bundle policies; Chromium also pausing and adding media.
//   - coturn, as the relay.
//   - The demo's page in Chromium, live, ten at once, and playing what was recorded.
//   - A camera and a viewer of this module on hosts of internal/testing/netlab: through
//     NATs of each kind, without UDP, with nothing but TLS, on IPv6 alone and with
//     a dead one, on narrow links; and while their networks change.
//
// They need Chromium, Node, turnserver, Debian's Python and more, as .ci/run
// installs them, for the hosts root and the command ip, and the packages in the
// directory node:
//
//	cd internal/testing/e2e/node && npm ci
//
// A test whose tools are missing is skipped, or fails if SMARTCAM_REQUIRE_TOOLS
// is 1. With SMARTCAM_SCREENSHOTS set to a directory, the demo's test leaves
// pictures of the page there.
//
// A test starts a script of node with one line of JSON, what to do, and reads
// one for each result. The script goes on when it is told to, and keeps its
// browser until its input ends, so that the test can look at the other side of
// the session meanwhile. The scripts of the directory peers exchange lines with
// the test in both directions; the test carries them over signaling.
package e2e
