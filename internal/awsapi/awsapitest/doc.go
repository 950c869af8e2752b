// Package awsapitest is the service side of the AWS REST-JSON protocol, for the
// doubles of this module: it verifies Signature Version 4 over the bytes that
// were received, writes errors in the shape of the services, limits rates, and
// answers browsers.
//
// A double's handler reads the body, asks a [Verifier] who calls, decodes the
// body with [Decode], limits the rate with a [Limiter] and answers with
// [WriteJSON] or with an [Error]. What is no matter of the protocol, such as
// faults, the journal and listeners, is internal/testing/double's.
//
// The verifier shares no code with the signer of the AWS SDK, so that a
// mistake on one side shows on the other.
package awsapitest
