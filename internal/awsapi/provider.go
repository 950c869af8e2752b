package awsapi

import "time"

// Invalidator is a credentials provider that forgets its credentials when a
// service has refused them: iotcreds.Provider, aws.CredentialsCache.
type Invalidator interface {
	// Invalidate has the next Retrieve fetch new credentials.
	Invalidate()
}

// Timekeeper is a credentials provider that knows how wrong the device's clock
// is: iotcreds.Provider. The Expires of its credentials is told by the device's
// own, uncorrected clock.
type Timekeeper interface {
	// ClockOffset returns what must be added to the device's clock; zero while
	// nothing is known.
	ClockOffset() time.Duration
}

// RetryAdviser is a credentials provider's error that knows when the provider
// will ask its server again: the errors of iotcreds.Provider.
type RetryAdviser interface {
	error
	// RetryAfter returns the time until then.
	RetryAfter() time.Duration
}

// StatusError is an error that came as an HTTP answer: smithy's ResponseError,
// iotcreds.Error.
type StatusError interface {
	error
	// HTTPStatusCode returns the answer's status; zero if there was no answer.
	HTTPStatusCode() int
}

// CredentialsError is the failure of the credentials provider.
type CredentialsError struct{ Err error }

// Error returns the provider's words.
func (e *CredentialsError) Error() string { return "get AWS credentials: " + Redact(e.Err.Error()) }

// Unwrap returns the provider's error.
func (e *CredentialsError) Unwrap() error { return e.Err }
