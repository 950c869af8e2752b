// Package s3test is a stand-in for Amazon S3 as far as pictures need it, for tests and for
// work without AWS: objects are put, read and deleted, by signed calls and by presigned
// URLs, and consumers hear of them.
//
// A [Server] is ready to use. Its AWS configures a client:
//
//	srv := s3test.NewServer(s3test.Config{})
//	defer srv.Close()
//	err := srv.AddBucket("pictures", s3test.BucketConfig{})
//	put, err := recorder.S3(srv.AWS(), "s3://pictures")
//
// [NewPipeServer] does without sockets, for testing/synctest. [New] makes a [Service],
// which is the same as an http.Handler for a server of one's own. Buckets are found by path
// (https://host/bucket/key) and by host (https://bucket.s3.region.amazonaws.com/key).
//
// # What it enforces
//
// Signatures are verified over the bytes received, with the hash of the body in its header;
// of presigned URLs also their life, their signed headers, and that the credentials that
// made them have not expired. A header x-amz-… that was not signed is refused. Who may do
// what to which key is asked of [Config].Authorize, as policies say it; whoever may not list
// the bucket is told that access is denied instead of that there is no such key. A bucket of
// another region answers with a redirect that cannot be followed, and pages of other origins
// read nothing unless the bucket lets them (BucketConfig.Origins). Refusals are the XML of
// S3, with its names and statuses.
//
// Keys are as long, metadata as large and conditions (If-None-Match, If-Match) as narrow as
// in S3. What S3 can do and this package cannot, such as lists, versions, multipart uploads
// and access control lists, is refused as NotImplemented.
//
// # What it tells
//
// [Config].Notify gets the events of objects as S3 sends them to a queue or a function: a
// bare s3:TestEvent first, then each put and each deletion, with keys in URL encoding and
// without the metadata. They may come late, out of order and, if Notify failed, again.
// [Service.Objects] is what a bucket holds, [Service.Events] the whole story.
//
// # What it can do wrong
//
// [Service.Refuse], [Service.Drop], [Service.Delay], [Service.Lose], [Service.Skew] and
// [Service.SetOutage] disturb calls; [Service.Answer] stands for what is no S3 at all.
//
// # What it keeps
//
// Config.Dir keeps buckets and objects over a restart: what was answered with success is
// there. An object's data is a file of its own, which picture viewers open.
//
// Sources: the API reference and the user guide of Amazon S3 ("Error responses",
// "Authenticating Requests", "Event message structure", "How to prevent object overwrites
// with conditional writes").
package s3test
