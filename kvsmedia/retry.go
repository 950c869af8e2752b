package kvsmedia

import (
	"errors"
	"time"

	"github.com/aws/smithy-go"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

// retries spaces sessions: PutMedia takes 5 requests a second and stream.
var retries = awsapi.Backoff{First: 200 * time.Millisecond, Longest: 5 * time.Second}

const (
	// A refusal that may be permanent ends an upload when it comes again and
	// again; later, where the service has stored media before: permissions and
	// keys are changed on running systems too.
	denialsAllowed = 3
	provenDenials  = 10
	provenPatience = 2 * time.Minute
)

// retry is what the attempts of a producer came to.
type retry struct {
	fails   int  // in a row
	denials int  // of them, refusals that may be permanent
	proven  bool // the service has stored something
	denied  time.Time
}

// begin makes ready for an upload.
func (r *retry) begin() { *r = retry{proven: r.proven} }

// stored notes that the service has stored something.
func (r *retry) stored() { r.fails, r.denials, r.proven = 0, 0, true }

// judge decides what follows from the end of a session: to try again after a
// while, or to end the upload.
func (u *upload) judge(err error) (wait time.Duration, end error) {
	r := u.retry
	r.fails++
	if awsapi.Doubtful(err, r.fails) {
		u.finder.doubt()
	}
	var refused *RefusedError
	switch {
	case errors.As(err, &refused) && refused.consequence() != hold:
		if r.fails == 1 {
			return 0, nil // another session may begin at once
		}
	case final(err) && !r.proven:
		return 0, u.explain(err)
	case hard(err):
		u.finder.doubt()
		u.finder.streams.api.Invalidate()
		if r.denials++; r.denials == 1 {
			r.denied = time.Now()
		}
		if !r.proven && r.denials >= denialsAllowed ||
			r.denials >= provenDenials && time.Since(r.denied) >= provenPatience {
			return 0, u.explain(err)
		}
	default:
		r.denials = 0
	}
	return retries.Wait(err, r.fails), nil
}

// interrupted notes why there is no session.
func (u *upload) interrupted(err error, delay time.Duration) {
	err = u.explain(u.finder.streams.api.Advise(err))
	u.out.mu.Lock()
	u.out.stats.Err = err
	u.out.mu.Unlock()
	u.out.trouble.Failed(u.log, "kvsmedia: upload interrupted", bare(err), "retry", delay)
}

// hard reports whether a refusal is one that mostly does not pass by itself.
func hard(err error) bool {
	var refused *RefusedError
	if errors.As(err, &refused) {
		return refused.consequence() == hold
	}
	return awsapi.Denied(err) || final(err)
}

// final reports whether an answer of the control plane, a refusal or a data endpoint
// that must not be used, says that nothing can come of it, once and for all.
func final(err error) bool {
	var endpoint *EndpointError
	if errors.As(err, &endpoint) {
		return true
	}
	var op *smithy.OperationError
	return awsapi.Permanent(err) && errors.As(err, &op) && op.OperationName != "PutMedia"
}

// explain adds to a refusal what can be done about it.
func (u *upload) explain(err error) error {
	var refused *RefusedError
	if errors.As(err, &refused) && refused.ID >= 4500 {
		return named(awsapi.Hint(err, "the credentials must be allowed to use the stream's KMS key, and the key must be enabled"))
	}
	if awsapi.Code(err) == "ConnectionLimitExceededException" {
		return named(awsapi.Hint(err, "another producer uploads to the stream, or a connection that broke off is not given up yet: a stream takes one"))
	}
	advice := awsapi.Advice{
		Policy: "kinesisvideo:DescribeStream, GetDataEndpoint and PutMedia on stream " + u.cfg.Stream,
		Absent: "stream " + u.cfg.Stream,
		Region: u.cfg.AWS.Region,
	}
	if u.cfg.Create != nil {
		advice.Policy += ", and CreateStream"
	} else {
		advice.Create = "ProducerConfig.Create lets the producer create it"
	}
	return named(advice.Explain(err))
}

// named returns err with the package's name before its text, once.
func named(err error) error { return awsapi.Named(err, "kvsmedia") }

// bare returns err without the package's name, to be put into a text that has it.
func bare(err error) error { return awsapi.Bare(err, "kvsmedia") }
