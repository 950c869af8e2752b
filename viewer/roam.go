package viewer

import (
	"context"
	"errors"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/rtc"
	"github.com/smartcam-sdk/smartcam/signaling"
)

const (
	// How long a restart of ICE may take until the next attempt: at first, and
	// at most.
	restartWait    = 1500 * time.Millisecond
	restartWaitMax = 4 * time.Second
)

// serversWait is how long a restart waits for fresh TURN credentials.
const serversWait = time.Second

// roam moves the session to another network path whenever the one in use is
// lost, for as long as the session lives.
func (v *Viewer) roam() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	v.work.Go(func() {
		<-v.session.Done()
		cancel()
	})
	for {
		why := v.session.LostPath(ctx)
		if why == nil {
			return
		}
		v.pathLost(why)
		v.cfg.Logger.Info("the network path is lost, looking for another", "why", why)
		began := time.Now()
		if err := v.restore(ctx, why); err != nil {
			if ctx.Err() == nil {
				v.trouble.Failed(v.cfg.Logger, "the network path stays lost", err)
			}
			return
		}
		v.pathFound()
		v.cfg.Logger.Info("the session goes on", "after", time.Since(began).Round(time.Millisecond))
	}
}

// restore restarts ICE until the session is connected. The session itself ends
// if that takes longer than its peer can be silent.
func (v *Viewer) restore(ctx context.Context, why error) error {
	began := time.Now()
	for wait := restartWait; ; wait = min(2*wait, restartWaitMax) {
		// A restart gives the old path up and needs the service. So that is
		// asked first; it may meanwhile turn out that the path was not lost.
		if err := v.client.Ping(ctx); err != nil {
			return err
		}
		if errors.Is(why, rtc.ErrSilence) && v.session.Silent() < time.Since(began) {
			return nil
		}
		asking, cancel := context.WithTimeout(ctx, serversWait)
		servers, err := v.client.ICEServers(asking)
		cancel()
		if err != nil {
			v.trouble.Failed(v.cfg.Logger, "no fresh ICE servers", err)
		} else {
			v.session.SetICEServers(servers)
		}
		connected := v.reconnected() // from before the offer
		offer, err := v.session.RestartICE()
		if err != nil {
			return err
		}
		sending, cancel := context.WithTimeout(ctx, wait)
		err = v.client.Send(sending, signaling.Message{Kind: signaling.Offer, Payload: offer})
		if err == nil {
			v.session.Trickle()
			select {
			case <-connected:
				cancel()
				return nil
			case <-sending.Done():
			}
		}
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		why = nil // from now on there is no old path to come back
		v.cfg.Logger.Debug("no network path yet", "err", err)
	}
}

// reconnected returns a channel that is closed at the next connection.
func (v *Viewer) reconnected() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.connected == nil {
		v.connected = make(chan struct{})
	}
	return v.connected
}

// noteConnected is told of each connection of the session.
func (v *Viewer) noteConnected() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.connected != nil {
		close(v.connected)
		v.connected = nil
	}
}
