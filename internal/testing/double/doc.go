// Package double is what the doubles of AWS services are made of. A [Core] holds
// what all of them can do, whatever they stand in for: it counts calls, refuses,
// delays and drops them on request, has a clock that can be wrong and outages,
// keeps a journal that tests wait on, serves on a TLS port or on in-memory pipes,
// and ends within a bounded time with an error that names what still hangs. A
// [Folder] keeps a double's resources over a restart.
//
// The room is apart from internal/awsapi/awsapitest, which is the wire protocol
// (signatures, errors, rates) and has no state of a service.
package double
