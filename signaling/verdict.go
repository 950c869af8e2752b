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
		return verdict{learned: true}
	}
	learned := awsapi.Doubtful(err, c.fails) && c.doubt()
	if permanent(err) && !learned {
		return verdict{end: c.explain(err)}
	}
	wait := retries.Wait(err, c.fails)
	if offline(err) {
		wait = min(wait, offlinePoll)
	}
	return verdict{wait: wait, learned: learned}
}

// doubt has the next attempt ask the control plane. It reports whether that is
// news: whether attempts until now used cached endpoints.
func (c *Client) doubt() bool {
	return c.access != nil && !c.access.stale.Swap(true)
}

func (c *Client) explain(err error) error {
	if c.access != nil {
		return c.access.explain(err)
	}
	if awsapi.Denied(err) {
		return fmt.Errorf("%w (%w)", ErrGrantExpired, err)
	}
	return err
}
