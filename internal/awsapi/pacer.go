package awsapi

import (
	"context"
	"sync"
	"time"
)

// keptGates is the number of keys from which on a Pacer forgets those at rest.
const keptGates = 1024

// Pacer keeps repeated calls to their quotas: it spaces the calls of each key. The
// zero Pacer is ready; it is safe for concurrent use.
type Pacer struct {
	mu    sync.Mutex
	gates map[string]*gate
	most  int // gates until the next search for those at rest
}

// gate lets the calls of one key pass one by one, in the order in which they came.
type gate struct {
	turn  chan struct{} // holds a value while a call waits for next
	next  time.Time     // when the next call may be made; its owner has the turn
	users int           // calls that wait; guarded by the Pacer
}

// Wait returns when a call of key may be made, of which there may be perSecond a
// second, or at ctx's end with its cause. A call whose ctx ends costs the others
// nothing. Calls are a tenth further apart than the quota says, so that what the
// network does to their spacing does not break it.
func (p *Pacer) Wait(ctx context.Context, key string, perSecond int) error {
	g := p.enter(key)
	defer p.leave(g)
	select {
	case g.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-g.turn }()
	if err := Sleep(ctx, time.Until(g.next)); err != nil {
		return err
	}
	g.next = time.Now().Add(time.Second / time.Duration(perSecond) * 11 / 10)
	return nil
}

func (p *Pacer) enter(key string) *gate {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.gates[key]
	if g == nil {
		p.forget()
		g = &gate{turn: make(chan struct{}, 1)}
		p.gates[key] = g
	}
	g.users++
	return g
}

func (p *Pacer) leave(g *gate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g.users--
}

// forget drops the gates that hold nobody up once there are many. The caller holds
// mu.
func (p *Pacer) forget() {
	if p.gates == nil {
		p.gates, p.most = map[string]*gate{}, keptGates
	}
	if len(p.gates) < p.most {
		return
	}
	now := time.Now()
	for key, g := range p.gates {
		if g.users == 0 && !now.Before(g.next) {
			delete(p.gates, key)
		}
	}
	p.most = max(keptGates, 2*len(p.gates))
}
