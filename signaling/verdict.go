package signaling

import (
	"errors"
	"fmt"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

// permanent reports whether trying again cannot help. Denials are not among
// them: see Client.judge.
func permanent(err error) bool {
	var cfg *ConfigError
	var endpoint *EndpointError
	return errors.As(err, &cfg) || errors.As(err, &endpoint) || errors.Is(err, ErrGrantExpired) || awsapi.Permanent(err)
}

// final reports whether a call ends with err: neither another attempt nor other
// endpoints can help.
func final(err error) bool {
	return permanent(err) && !awsapi.Stale(err) || awsapi.Denied(err)
}

// verdict is what follows from a failed attempt.
type verdict struct {
	wait    time.Duration // until the next one
	learned bool          // the next one differs: other endpoints, new credentials
	untold  bool          // it may pass with that, and is not told unless it comes again
	end     error         // instead: the client ends
}

// judge decides what follows from a failed attempt.
func (c *Client) judge(err error) verdict {
	if awsapi.Denied(err) {
		if awsapi.Expired(err) && c.access != nil && c.access.api.Invalidate() {
			return verdict{wait: retries.After(c.fails)} // the provider renews them
		}
		// It passes if the credentials are old, or the cached ARN.
		if c.denials++; c.denials > 1 || c.access == nil {
			return verdict{end: c.explain(err)}
		}
		c.doubt()
		c.access.api.Invalidate()
		return verdict{learned: true, untold: true}
	}
	learned := awsapi.Doubtful(err, c.fails) && c.doubt()
	if permanent(err) && !learned {
		return verdict{end: c.explain(err)}
	}
	wait := retries.Wait(err, c.fails)
	if offline(err) {
		wait = min(wait, offlinePoll)
	}
	return verdict{wait: wait, learned: learned, untold: permanent(err)}
}

// doubt has the next attempt ask the control plane. It reports whether that is
// news: whether attempts until now used cached endpoints.
func (c *Client) doubt() bool {
	return c.access != nil && !c.access.stale.Swap(true)
}

// explain adds to the reason of an end what can be done about it.
func (c *Client) explain(err error) error {
	if c.access != nil {
		return c.access.explain(err)
	}
	if awsapi.Denied(err) {
		return fmt.Errorf("%w (%w)", ErrGrantExpired, bare(err))
	}
	return named(err)
}

// advise adds to the reason of a failed attempt what can be done about it.
func (c *Client) advise(err error) error {
	if c.role == Viewer && awsapi.Code(err) == "ClientLimitExceededException" {
		err = awsapi.Hint(err, "the channel's places for viewers are taken, or too many connect at once; a place is free a minute after its viewer has left")
	}
	if c.access != nil {
		return named(c.access.api.Advise(err))
	}
	return named(awsapi.HintTLS(err))
}

// named returns err with the package's name before its text, once.
func named(err error) error { return awsapi.Named(err, "signaling") }

// bare returns err without the package's name, to be put into a text that has it.
func bare(err error) error { return awsapi.Bare(err, "signaling") }
