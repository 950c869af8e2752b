package signaling

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/awsapi"
	"github.com/smartcam-sdk/smartcam/internal/safelog"
)

// signatureLife is how long a signed URL opens a connection: the 299 s of the
// AWS JavaScript SDK.
const signatureLife = 299 * time.Second

// createPoll is how often a new channel is looked at until it is ACTIVE.
const createPoll = time.Second

// access finds and opens one channel in one role with AWS credentials.
type access struct {
	*Channels
	cfg      Config
	role     Role
	clientID string
	stale    atomic.Bool // cached endpoints have failed
	uncached safelog.Outage
}

func newAccess(cfg Config, role Role, clientID string) (*access, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if role == Viewer {
		if clientID == "" {
			clientID = randomID()
		}
		if err := checkClientID(clientID); err != nil {
			return nil, err
		}
		if cfg.Create != nil {
			return nil, &ConfigError{"Create", "is for masters: a viewer does not create channels"}
		}
	}
	a := &access{Channels: newChannels(cfg), cfg: cfg, role: role, clientID: clientID}
	if _, err := a.api.Endpoint(); err != nil {
		return nil, &ConfigError{"AWS", err.Error()}
	}
	return a, nil
}

func randomID() string {
	b := make([]byte, 8)
	rand.Read(b) // never fails, after its documentation
	return "viewer-" + hex.EncodeToString(b)
}

// endpoints returns the channel's endpoints, from the cache unless that was
// found stale. While the control plane cannot be reached the stale ones serve.
// Cached ones that may not be used are fetched anew: whoever can write the file
// of a cache must not be able to have credentials sent in clear.
func (a *access) endpoints(ctx context.Context) (Endpoints, error) {
	control, _ := a.api.Endpoint()
	key := fmt.Sprintf("%s %s %v storage=%t", control.URL, a.cfg.Channel, a.role, a.cfg.Storage)
	cached, ok := a.cfg.Cache.Load(key)
	ok = ok && cached.complete(a.cfg.Storage) && a.admit(cached) == nil
	if ok && !a.stale.Load() {
		return cached, nil
	}
	a.stale.Store(true)
	e, err := a.fetch(ctx)
	if err != nil {
		if ok && !permanent(err) && !awsapi.Denied(err) {
			return cached, nil
		}
		return Endpoints{}, err
	}
	a.stale.Store(false)
	if err := a.cfg.Cache.Store(key, e); err != nil {
		a.uncached.Failed(a.cfg.Logger, "signaling: the endpoints could not be cached", bare(err))
	}
	return e, nil
}

// fetch asks the control plane.
func (a *access) fetch(ctx context.Context) (Endpoints, error) {
	arn := a.cfg.Channel
	if nameOf(arn).ChannelName != "" {
		c, err := a.find(ctx)
		if err != nil {
			return Endpoints{}, err
		}
		arn = c.ARN
	}
	return a.Endpoints(ctx, arn, a.role, a.cfg.Storage)
}

// find returns the channel once it is usable, creating it if that was asked for.
func (a *access) find(ctx context.Context) (Channel, error) {
	for {
		c, err := a.Describe(ctx, a.cfg.Channel)
		switch {
		case err == nil && c.Status == "CREATING":
		case err == nil && c.Status == "DELETING":
			return Channel{}, fmt.Errorf("signaling: channel %q is being deleted", a.cfg.Channel)
		case err == nil:
			return c, nil
		case a.cfg.Create != nil && awsapi.Code(err) == "ResourceNotFoundException":
			_, err := a.Create(ctx, a.cfg.Channel, *a.cfg.Create)
			if err != nil && awsapi.Code(err) != "ResourceInUseException" {
				return Channel{}, err
			}
			a.cfg.Logger.Info("signaling: channel created", "channel", a.cfg.Channel)
		default:
			return Channel{}, err
		}
		if err := awsapi.Sleep(ctx, createPoll); err != nil {
			return Channel{}, fmt.Errorf("signaling: wait for channel %q to become active: %w", a.cfg.Channel, err)
		}
	}
}

// sign returns the WebSocket's URL, signed, and until when it can be used.
func (a *access) sign(ctx context.Context, e Endpoints) (string, time.Time, error) {
	creds, err := a.api.Credentials(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	q := url.Values{"X-Amz-ChannelARN": {e.ChannelARN}}
	if a.role == Viewer {
		q.Set("X-Amz-ClientId", a.clientID)
	}
	now := a.api.Clock.Now()
	until := now.Add(signatureLife)
	if expires := creds.Expires.Add(time.Until(now)); creds.CanExpire && expires.Before(until) {
		until = expires // which the provider tells by the local clock
	}
	u, err := a.api.Presign(ctx, creds, e.WSS, q, now, signatureLife)
	return u, until, err
}

// PresignMaster returns a grant to connect as the channel's master, such as a
// tool's or a simulated camera's.
func PresignMaster(ctx context.Context, cfg Config) (Grant, error) {
	return presign(ctx, cfg, Master, "")
}

// PresignViewer returns a grant to connect as a viewer under clientID; an empty
// one means a random one. A backend calls it once it has made sure that its
// user may see the camera. The camera sees clientID as the peer's ID, which
// nobody but the signer can choose. Set Config.Cache, to a shared [MemoryCache],
// or each grant costs two control-plane calls.
func PresignViewer(ctx context.Context, cfg Config, clientID string) (Grant, error) {
	return presign(ctx, cfg, Viewer, clientID)
}

func presign(ctx context.Context, cfg Config, role Role, clientID string) (Grant, error) {
	a, err := newAccess(cfg, role, clientID)
	if err != nil {
		return Grant{}, err
	}
	defer a.api.Close()
	for {
		e, err := a.endpoints(ctx)
		if err != nil {
			return Grant{}, a.explain(a.api.Advise(err))
		}
		servers, err := a.ICEServers(ctx, e, a.clientID)
		if err != nil && (awsapi.Stale(err) || awsapi.Denied(err)) && !a.stale.Swap(true) {
			continue
		}
		if err != nil {
			return Grant{}, a.explain(a.api.Advise(err))
		}
		u, until, err := a.sign(ctx, e)
		if err != nil {
			return Grant{}, named(err)
		}
		return Grant{URL: u, ICEServers: servers, Channel: e.ChannelARN, ClientID: a.clientID, Expires: until}, nil
	}
}

// explain adds to a refusal what can be done about it.
func (a *access) explain(err error) error {
	if a.cfg.Storage && !awsapi.FromProvider(err) && awsapi.Code(err) == "InvalidArgumentException" {
		return named(awsapi.Hint(err, "Config.Storage is set: is media storage enabled on the channel?"))
	}
	advice := awsapi.Advice{
		Policy: fmt.Sprintf("kinesisvideo's signaling actions, among them ConnectAs%s, on channel %s",
			map[Role]string{Master: "Master", Viewer: "Viewer"}[a.role], a.cfg.Channel),
		Absent: "channel " + a.cfg.Channel,
		Region: a.cfg.AWS.Region,
	}
	if a.role == Master && a.cfg.Create == nil {
		advice.Create = "Config.Create lets a master create it"
	}
	return named(advice.Explain(err))
}
