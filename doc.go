// Package smartcam is a Go SDK for the firmware of smart cameras on AWS:
// doorbells, baby monitors, security cameras. It has no code of its own; the
// packages below it have.
//
// A firmware writes each encoded frame once. Live viewers, pre-roll and uploads
// read the same bounded ring:
//
//	       device certificate
//	               |
//	           iotcreds <--------> AWS IoT credentials provider
//	               | AWS credentials
//	               v
//	encoder --> camera <---------> signaling channel <---------> viewer
//	               |                                               ^
//	               |--- WebRTC, direct or through TURN ------------|
//	               |
//	               |--- kvsmedia.Producer --> Kinesis video stream --> kvsmedia.Archive
//	               |
//	               v
//	         Matroska files
//
// Where to start:
//
//   - [github.com/smartcam-sdk/smartcam/camera]: the camera; its documentation
//     begins with the lines that make one.
//   - [github.com/smartcam-sdk/smartcam/iotcreds]: AWS credentials from the
//     device's certificate.
//   - [github.com/smartcam-sdk/smartcam/kvsmedia]: frames and tracks; Matroska
//     files; upload to a stream, and what it holds.
//   - [github.com/smartcam-sdk/smartcam/viewer]: watch a camera from Go.
//   - [github.com/smartcam-sdk/smartcam/signaling]: the signaling channel alone, for
//     programs with their own media and for backends that grant viewers access.
//   - [github.com/smartcam-sdk/smartcam/camera/cameratest]: the AWS side on one
//     machine, for a firmware's tests.
//
// The module examples, in the directory of that name, has programs. Its demo shows a
// camera, a stand-in for AWS and a page in the browser on one machine:
//
//	go run -C examples ./demo
package smartcam
