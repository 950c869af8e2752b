// Package iotcredstest is a double of the AWS IoT Core credentials provider,
// for tests and for local development without an AWS account.
//
// A [Server] has its own certificate authority. It asks for a client
// certificate, knows which thing each certificate is attached to and which role
// aliases there are, and issues credentials, or refuses with the status and
// message of the service, in the service's order of checks. It misbehaves on
// request: see [Fault], [Server.SetClock], [Server.Revoke], [Server.Expire].
//
//	server, err := iotcredstest.Start(iotcredstest.Config{})
//	...
//	defer server.Close()
//	cfg, err := server.Config("camera-1") // as httptest.Server.Client
//	...
//	creds, err := iotcreds.New(cfg)
//
// With Config.InMemory, server and client run inside testing/synctest.
//
// Services that are given the credentials verify them with [Server.Lookup]. A
// program that serves several AWS services on one TLS listener makes its Server
// with [New] and mounts it as an http.Handler; the listener must ask for client
// certificates on this server's host name, as [Server.TLSConfig] does, and on
// no other: browsers fail on a WebSocket that asks.
package iotcredstest
