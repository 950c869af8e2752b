// Package awsapi makes signed REST-JSON calls to AWS services that the SDK for
// Go has no small client for: POST, Signature Version 4, JSON both ways.
//
// A [Client] is made from an [aws.Config], as the service clients of the AWS
// SDK are, and honours its Region, Credentials, BaseEndpoint, HTTPClient,
// Retryer, RetryMaxAttempts and ConfigSources. Beyond what those do it corrects
// a wrong clock from the service's Date header, has expired credentials fetched
// anew, bounds every answer in size and every attempt in time, and keeps
// secrets out of error texts.
//
// A [Bucket] puts objects into S3, which is neither POST nor JSON.
//
// A service's refusal satisfies smithy.APIError, and is wrapped as the AWS SDK
// wraps it: *smithy.OperationError, then *http.ResponseError of
// github.com/aws/aws-sdk-go-v2/aws/transport/http.
//
// # Failures
//
// Packages signaling and kvsmedia decide in the same words what follows from a
// failure: [Permanent], [Denied], [Throttled], [Expired] and [Stale] say what a
// refusal means, [Backoff] when to try again, [Advice] what a person can do. A
// credentials provider may be an [Invalidator] and a [Timekeeper], and its errors
// [RetryAdviser]; iotcreds.Provider is all three.
package awsapi
