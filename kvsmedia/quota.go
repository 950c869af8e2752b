package kvsmedia

import (
	"context"
	"sync"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
)

// quota returns how many calls a second the service takes of one stream, by the
// name that GetDataEndpoint has for the API ("Kinesis Video Streams quotas").
func quota(api string) int {
	switch api {
	case "GET_HLS_STREAMING_SESSION_URL", "GET_DASH_STREAMING_SESSION_URL":
		return 25
	}
	return 5
}

// pacer spaces the calls of each API evenly by its quota, which other clients of the
// stream share. The zero pacer is ready; it is safe for concurrent use.
type pacer struct {
	mu   sync.Mutex
	next map[string]time.Time // when the next call of an API may be made
}

// wait returns when a call of an API may be made, or at ctx's end with its cause.
func (p *pacer) wait(ctx context.Context, api string) error {
	p.mu.Lock()
	now := time.Now()
	if p.next == nil {
		p.next = map[string]time.Time{}
	}
	at := p.next[api]
	if at.Before(now) {
		at = now
	}
	p.next[api] = at.Add(time.Second / time.Duration(quota(api)))
	p.mu.Unlock()
	return awsapi.Sleep(ctx, at.Sub(now))
}
