// Package cameratest is the AWS side of a camera on one machine: the IoT
// credentials provider, the control plane, the signaling and the media of Kinesis
// Video Streams, and a TURN server, on real TLS ports under one authority. It is
// made of this module's test doubles and refuses what AWS refuses, with the same
// words.
//
//	cloud, err := cameratest.New(cameratest.Config{})
//	err = cloud.Start(ctx)
//	defer cloud.Close()
//	device, err := cloud.AddThing("front-door") // an iotcreds.Config
//	owner := cloud.OwnerAWS()                  // an aws.Config
//
// Who may do what is as in the policies that the design suggests for AWS: a
// thing is master of the channel of its own name and sends media to the stream
// of that name, and to no other; a viewer's key connects to the channels that it
// was made for; the owner's key may do everything, such as reading media.
// Credentials are those that the credentials provider issued, until they expire.
//
// Listeners: one for AWS (control plane, endpoints of channels and media), which
// never asks for a client certificate because browsers then refuse WebSockets;
// one for the credentials provider, which always does; TURN over UDP and TCP
// on one port number; TURN over TLS.
package cameratest
