// Package iotcredstest is a stand-in for the credentials provider of AWS IoT Core, for
// tests and for work without AWS.
//
// A [Server] is ready to use. Its Config configures the iotcreds package, after a thing
// and its certificate were registered:
//
//	srv := iotcredstest.NewServer(iotcredstest.Config{})
//	defer srv.Close()
//	creds, err := iotcreds.New(srv.Config("camera-1"))
//
// [NewPipeServer] does without sockets, for testing/synctest, where the hour until
// credentials expire passes at once. [New] makes a [Service], which is the same as an
// http.Handler for a server of one's own: its listener must ask for client certificates on
// the service's host name, as [Service.TLSConfig] does, and on no other, as browsers fail on
// a WebSocket that asks. [Service.Device] and [Service.WriteDevice] then configure devices.
//
// # What it enforces
//
// The service has an authority of its own and asks for a client certificate. It knows which
// thing each certificate is attached to, which role aliases there are and who may use them
// ([Service.AddCertificate], [Service.SetRoleAlias], [Service.Allow], [Service.Revoke]), and
// issues credentials, or refuses with the status and message of AWS, in AWS's order of
// checks. Other doubles verify the credentials with [Service.Identity].
//
// # What it can do wrong
//
// [Service.Refuse], [Service.Drop], [Service.Delay], [Service.Skew] and
// [Service.SetOutage] disturb calls and TLS handshakes. [Service.Expire] ends credentials
// before their time.
//
// # What it tells
//
// [Service.Calls] counts calls, so that a test can show that there were none;
// [Service.Events] is the whole story; [Service.Wait] waits for a condition;
// [Service.Lookup] is what was issued.
//
// # What it keeps
//
// Config.Dir keeps the authority, certificates, policies, role aliases and issued
// credentials, so that devices go on after a restart with what they have cached. Expired
// credentials are known for an hour more, so that other doubles can tell them from unknown
// ones, as AWS does.
//
// # How it ends
//
// [Service.Close] ends everything, waits for five seconds at the longest, and returns an
// error that names what hangs still.
//
// Sources: the developer guide of AWS IoT Core ("Authorizing direct calls to AWS services
// using AWS IoT Core credential provider").
package iotcredstest
