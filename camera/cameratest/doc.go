// Package cameratest is the AWS side of a camera on one machine: the IoT
// credentials provider, the control plane, the signaling and the media of Kinesis
// Video Streams, a bucket of S3 for pictures, and a TURN server, on real TLS ports
// under one authority. It is
// made of this module's test doubles and refuses what AWS refuses, with the same
// words.
//
// # In tests
//
// [NewCloud] starts a cloud for a test, hands back whatever a configuration needs,
// and ends with the test. A camera that is watched, and a recording that is read
// back:
//
//	cloud := cameratest.NewCloud(t)
//	device, clip := cloud.Device("front-door"), clips.Day()
//	cam, err := camera.New(camera.Config{Signaling: device.Signaling(), Tracks: clip.Tracks})
//	producer, err := kvsmedia.NewProducer(device.Producer(clip.Tracks[0]))
//	archive, err := kvsmedia.NewArchive(cloud.ArchiveConfig("front-door"))
//	acks := producer.Acks(ctx)
//	go cam.Run(ctx)
//	go producer.Upload(ctx, cam.Frames(ctx, 0))
//	go func() {
//		for frame := range clips.Play(ctx, clip) {
//			cam.WriteFrame(frame)
//		}
//	}()
//
//	viewer, err := cloud.Viewer(ctx, "front-door") // returns with the first picture
//	for frame := range viewer.Frames(ctx) {
//		...
//	}
//	for ack := range acks {
//		if ack.Type == kvsmedia.AckPersisted {
//			break
//		}
//	}
//	recording, err := archive.Media(ctx, kvsmedia.From{})
//	for frame := range recording.Frames() {
//		...
//	}
//
// Firmware that finds AWS by an aws.Config gets Device.AWS, firmware that has its
// certificate in files gets Device.Dir. The whole test is doorbell_test.go; the
// module examples/firmware tests a firmware so. Package clips has what to film.
//
// The cloud has real sockets and real clocks, so it does not work in a
// testing/synctest bubble; for those signalingtest, kvsmediatest and iotcredstest
// have servers in memory.
//
// # In programs
//
//	cloud, err := cameratest.New(cameratest.Config{Dir: "state"})
//	err = cloud.Start(ctx)
//	defer cloud.Close()
//	device, err := cloud.AddDevice("front-door")
//	owner := cloud.OwnerAWS() // an aws.Config
//
// examples/localcloud is such a program, for clients in any language.
//
// # Who may do what
//
// Policies are those that the SDK suggests for AWS: a thing is master of the
// channel of its own name and sends media to the stream of that name, and to no
// other, and puts pictures below its name into the bucket of pictures; a viewer's key connects to the channels that it was made for; the owner's
// key may do everything, such as reading media. Credentials are those that the
// credentials provider issued, until they expire.
//
// # WebRTC ingestion
//
// The cloud is the storage service's peer: when the master of a channel with media
// storage joins the session (JoinStorageSession), the cloud offers to receive H.264
// and Opus, and writes the picture to the stream that the channel is mapped to. AWS
// stores the sound as well, transcoded to AAC, which the cloud cannot encode: it is
// received and dropped, so that what is stored plays as in AWS. Viewers of storage
// sessions are not served. Config.Signaling.Storage replaces all this.
//
// # Listeners
//
// One for AWS (control plane, endpoints of channels and media, S3), which never asks
// for a client certificate because browsers then refuse WebSockets; one for the
// credentials provider, which always does; two TURN servers, each over UDP, DTLS and
// TLS, as GetIceServerConfig of AWS lists them. TURN relays only to addresses that
// went through the signaling of the channel whose credentials are used, and to those
// from which the channel's peers use TURN; to loopback only for clients that are on it.
package cameratest
