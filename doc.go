// Package smartcam is a Go SDK for the people who build smart cameras:
// doorbells, baby monitors, dash cams, security cameras. It connects a camera
// to AWS without C: device identity from AWS IoT, live view over Kinesis Video
// Streams signaling and WebRTC, and the owner's side of it.
//
// A firmware writes each encoded frame once; live viewers, pre-roll, recorders
// and uploads all read the same ring:
//
//	                     certificate
//	                          |
//	                      iotcreds ---------> AWS IoT credentials provider
//	                          | credentials
//	                          v
//	encoder --WriteFrame--> camera <--------> signaling ------> KVS signaling channel
//	                          |                                         |
//	                          | one ring, one packetiser                |
//	                          v                                         v
//	                  WebRTC, encrypted per viewer ---------------> viewer
//	                  (direct, or through a TURN relay)
//
// Where to start:
//
//   - [github.com/smartcam-sdk/smartcam/camera]: the camera; its package
//     documentation has the ten lines that make one.
//   - [github.com/smartcam-sdk/smartcam/iotcreds]: from the device's
//     certificate to AWS credentials.
//   - [github.com/smartcam-sdk/smartcam/viewer]: dial a camera from Go.
//   - [github.com/smartcam-sdk/smartcam/signaling]: the signaling channel alone,
//     for programs with their own media, and for backends that grant viewers
//     access.
//   - [github.com/smartcam-sdk/smartcam/kvsmedia]: frames and tracks; Matroska files and streams. Matroska
//     files of them.
//
// Package smartcam itself has no code. Run examples/demo to see a camera, a
// stand-in for AWS and a page in the browser on one machine.
package smartcam
