// Package iotcreds turns a device certificate into AWS credentials.
//
// A device authenticates to the AWS IoT Core credentials provider by mutual TLS
// and receives the temporary credentials of an IAM role. [Provider] does so
// behind [aws.CredentialsProvider], the interface by which every AWS service
// client, and every package of this SDK, takes credentials:
//
//	cfg, err := iotcreds.LoadConfig("/etc/camera")
//	...
//	creds, err := iotcreds.New(cfg)
//	...
//	defer creds.Close()
//	awsConfig := aws.Config{Region: "eu-west-1", Credentials: creds}
//
// # What the account needs
//
//   - a thing, and a certificate that is ACTIVE and attached to it;
//   - an IoT policy on the certificate that allows
//     iot:AssumeRoleWithCertificate on the role alias's ARN;
//   - the role alias, pointing to an IAM role whose trust policy lets
//     credentials.iot.amazonaws.com call sts:AssumeRole;
//   - credentialDurationSeconds of the alias (900 to 43200, 3600 by default) no
//     longer than MaxSessionDuration of the role.
//
// The role's IAM policy can say ${credentials-iot:ThingName} to keep each
// device to its own channel and stream. Where one of these is missing, the
// [Error] that Retrieve returns says which, and what to do.
//
// Revoking a certificate does not end credentials that were issued before.
//
// # The certificate
//
// The key may be any [crypto.Signer], so one that never leaves a TPM or secure
// element will do: put it into Config.Certificate. [Config.WithPEM] takes PEM
// in memory, [LoadConfig] files. Every request makes its own connection, so a
// rotated certificate takes effect at the next one: LoadConfig reads its files
// again, and Config.GetCertificate is asked again.
//
// # When requests are made
//
// [New] asks for nothing. The first [Provider.Retrieve] makes a request, and
// all callers who need it share it. A request is bounded by Config.Timeout (5 s
// in all, 3 s to connect) and by no caller's context.
//
// Credentials are renewed 2.5 to 5 minutes before they expire, the moment being
// drawn at random so that a fleet spreads out, and never earlier than a fifth
// of their lifetime before. Nobody waits for that: Retrieve goes on returning
// the credentials that it has, until they really expire. Ones that nobody
// retrieved are not renewed. While the server cannot be reached the same holds,
// so an outage shorter than the remaining lifetime goes unnoticed.
//
// Failed requests are repeated after a back-off that doubles, shortened at
// random by up to half: from 0.5 s to 1.5 s while no answer comes, so that a
// network that is back is used at once; from 0.5 s to 10 s after trouble of the
// service (statuses 429 and 5xx, an answer that makes no sense); from 2 to 10
// minutes after a refusal that only a change of configuration ends
// (400, 403, 404, a TLS handshake that the server refused). Within the back-off
// Retrieve returns the failure at once. After a repair [Provider.Invalidate]
// ends the wait.
//
// A Provider needs no [aws.CredentialsCache] around it, and does no harm inside
// one. Prefer it bare: Invalidate of a cache does not reach the provider.
//
// # The clock
//
// Signatures are refused when the clock is off by more than five minutes. The
// other packages of this SDK therefore sign by the provider's time and, with
// the HTTP client that they have by default, verify certificates by it: the
// first call of a device whose clock is wrong is right. They need the provider
// itself for that, not a cache around it.
// [Provider.Now] is the device's clock, corrected by the Date header of the
// last answer, and [Provider.ClockOffset] the correction; the answer may be a
// refusal, but always comes from a server whose certificate was verified and is
// valid at that date. Steps of the device's clock, and sleep, do not confuse the
// correction. Where it makes a handshake fail, the device's clock is tried.
// Expires of the credentials is told by the device's own, uncorrected clock,
// because [aws.Credentials.Expired] compares it with that.
//
// Verifying the server's certificate takes the time, too. A wrong clock
// therefore makes the handshake fail, as it must, with one exception that
// Config.BuildTime opens: if the clock is before BuildTime, it is certainly
// wrong. Then the certificate is verified as of BuildTime or, if it begins to
// be valid only later, as of that beginning. Host name, chain and authorities
// are verified as always. What is given up is the protection against a
// certificate that expired after BuildTime, until the first answer has set the
// clock right. Store the time now and then, and pass that as BuildTime, to keep
// the gap small. Without BuildTime nothing is given up.
//
// # Secrets
//
// Neither logs nor errors hold keys, tokens, or any part of an answer except a
// refusal's code and message.
//
// The protocol is documented under "Authorizing direct calls to AWS services
// using AWS IoT Core credential provider" in the AWS IoT Core developer guide.
// Package iotcredstest has a double of the service for tests.
package iotcreds
