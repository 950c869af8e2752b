package kvsmedia_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

var refusable = []string{"PutMedia", "DescribeStream", "GetDataEndpoint"}

// script is trouble of every kind, again and again until ctx ends.
func script(ctx context.Context, srv *kvsmediatest.Server, every func() time.Duration) {
	pause := func(d time.Duration) bool {
		select {
		case <-time.After(d):
			return true
		case <-ctx.Done():
			return false
		}
	}
	var steps []func()
	add := func(do func()) { steps = append(steps, do) }
	inject := func(f kvsmediatest.Fault) { add(func() { srv.Inject(f) }) }
	moments := []kvsmediatest.Moment{kvsmediatest.Buffering, kvsmediatest.Received, kvsmediatest.Persisted}
	for _, id := range append(kvsmediatest.ErrorIDs(), 4013) {
		for _, m := range moments {
			inject(kvsmediatest.Fault{When: m, Do: kvsmediatest.SendError, ErrorID: id})
		}
	}
	for _, m := range moments {
		inject(kvsmediatest.Fault{When: m, Do: kvsmediatest.Reset})
		add(func() {
			srv.Inject(kvsmediatest.Fault{When: m, Do: kvsmediatest.Stall})
			time.AfterFunc(40*time.Second, func() { // the service notices that nobody is there
				for _, u := range srv.Uploads(door) {
					u.Resume()
				}
			})
		})
		inject(kvsmediatest.Fault{When: m, Do: kvsmediatest.SlowAcks, Delay: 4 * time.Second})
	}
	for _, e := range []kvsmediatest.Error{
		{}, {Status: 403, Name: "AccessDeniedException"}, {Status: 401, Name: "NotAuthorizedException"},
		{Status: 500, Name: "InternalFailure"}, {Status: 503, Name: "ServiceUnavailable"}, {Status: 408, Name: "RequestTimeout"},
		{Status: 400, Name: "ClientLimitExceededException"}, {Status: 400, Name: "ConnectionLimitExceededException"},
		{Status: 403, Name: "ExpiredTokenException"}, {Status: 404, Name: "ResourceNotFoundException"},
		{Status: 400, Name: "InvalidEndpointException"}, {Status: 400, Name: "InvalidArgumentException"},
	} {
		for _, api := range refusable {
			add(func() {
				srv.Refuse(api, 2, e)
				srv.Inject(kvsmediatest.Fault{When: kvsmediatest.Buffering, Do: kvsmediatest.Reset})
			})
		}
	}
	add(func() {
		srv.SetOutage(true)
		pause(20 * time.Second)
		srv.SetOutage(false)
	})
	for ctx.Err() == nil {
		rand.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
		for _, do := range steps {
			if !pause(every()) {
				return
			}
			do()
		}
	}
}

// keyring hands out credentials that expire, and knows them as the service does.
type keyring struct {
	life   time.Duration
	secret string

	mu   sync.Mutex
	keys map[string]aws.Credentials
}

func (k *keyring) Retrieve(context.Context) (aws.Credentials, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := aws.Credentials{
		AccessKeyID: fmt.Sprintf("ASIA%d", len(k.keys)), SecretAccessKey: "secret" + k.secret, SessionToken: "token" + k.secret,
		CanExpire: true, Expires: time.Now().Add(k.life),
	}
	if k.keys == nil {
		k.keys = map[string]aws.Credentials{}
	}
	k.keys[c.AccessKeyID] = c
	return c, nil
}

func (k *keyring) find(id string) (kvsmediatest.Identity, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c, ok := k.keys[id]
	return kvsmediatest.Identity{SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, Principal: "camera", Expires: c.Expires}, ok
}

// TestHour uploads for an hour, in which something goes wrong every few seconds,
// and sessions and credentials expire. Whatever the service has not refused for
// its content is in the archive, byte for byte.
func TestHour(t *testing.T) {
	length := time.Hour
	if testing.Short() || race {
		length = 5 * time.Minute
	}
	synctest.Test(t, func(t *testing.T) {
		day := clips.Day()
		keys := keyring{life: 9 * time.Minute}
		tracks := []*kvsmedia.Track{find(day, "main"), find(day, "aac")}
		s := newService(t, kvsmediatest.Config{Credentials: keys.find, Timing: kvsmediatest.Timing{Session: 17 * time.Minute}}, tracks)
		defer s.srv.Close()
		cfg := s.srv.AWS()
		cfg.Credentials = aws.NewCredentialsCache(&keys)
		s.produce(kvsmedia.ProducerConfig{AWS: cfg})
		ctx, cancel := context.WithCancel(t.Context())
		var work sync.WaitGroup
		work.Go(func() { script(ctx, s.srv, func() time.Duration { return 2*time.Second + rand.N(6*time.Second) }) })
		persisted := map[time.Time]string{}
		watch, unwatch := context.WithCancel(t.Context())
		acks := s.Acks(watch)
		var watching sync.WaitGroup
		refused := 0
		watching.Go(func() {
			for a := range acks {
				var err *kvsmedia.RefusedError
				if a.Type == kvsmedia.AckError && errors.As(a.Err, &err) && ofContent(err.ID) {
					refused++
				}
				if a.Type != kvsmedia.AckPersisted {
					continue
				}
				if n := persisted[a.Time]; n != "" {
					t.Errorf("the fragment of %v was sent again, as %s, when it was stored as %s", a.Time, a.Number, n)
				}
				persisted[a.Time] = a.Number
			}
		})
		err := s.Upload(t.Context(), func(yield func(kvsmedia.Frame) bool) {
			for f := range s.note(play(day, length)) {
				if !yield(f) {
					break
				}
			}
			cancel()
			work.Wait()
			for _, api := range refusable {
				s.srv.Refuse(api, 0, kvsmediatest.Error{})
			}
		})
		unwatch()
		watching.Wait()
		var missing *kvsmedia.MissingError
		if err != nil && (!errors.As(err, &missing) || missing.Err != nil) {
			t.Fatal(err)
		}
		for _, m := range list(missing) {
			var err *kvsmedia.RefusedError
			if !errors.As(m.Err, &err) || !ofContent(err.ID) || m.Fragments != 1 {
				t.Errorf("missing: %+v", m)
			}
		}
		if st := s.Stats(); st.Refused.Fragments > 2+refused/20 || st.Dropped.Fragments != 0 {
			t.Errorf("there were %d refusals for the content; %+v", refused, st)
		}
		s.all(missing)
		t.Logf("%+v", s.Stats())
	})
}

// ofContent tells which errors are of what is in a fragment.
func ofContent(id int) bool { return id > 4000 && id < 4500 && id != 4003 && id != 4008 }

// After any error, at any moment of a fragment, all that is not stored is sent
// again, and nothing else.
func TestEveryError(t *testing.T) {
	for _, id := range append(kvsmediatest.ErrorIDs(), 4013) {
		for _, when := range []kvsmediatest.Moment{kvsmediatest.Buffering, kvsmediatest.Received, kvsmediatest.Persisted} {
			t.Run(fmt.Sprintf("%d at %d", id, when), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: videoAndSound()})
					defer s.srv.Close()
					s.srv.Inject(kvsmediatest.Fault{Skip: 3, When: when, Do: kvsmediatest.SendError, ErrorID: id})
					if err := s.Upload(t.Context(), s.note(play(clips.Day(), 13*time.Second))); err != nil {
						t.Fatal(err)
					}
					s.all(nil)
					again := 0
					if when == kvsmediatest.Persisted { // but the acknowledgement did not come
						again = 1
					}
					if st := s.Stats(); s.srv.Pending() != 0 || st.Sessions != 2 || s.twice != again || st.Resent > 2 {
						t.Errorf("%d sessions, %d fragments sent again, %d in the archive twice", st.Sessions, st.Resent, s.twice)
					}
				})
			})
		}
	}
}

// A fragment that the service refuses again is given up, and named; no other is.
func TestRefusedFragment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: videoAndSound()})
		defer s.srv.Close()
		for n := range 2 {
			s.srv.Inject(kvsmediatest.Fault{Skip: 3 + n, When: kvsmediatest.Received, Do: kvsmediatest.SendError, ErrorID: 4006})
		}
		err := s.Upload(t.Context(), s.note(play(clips.Day(), 21*time.Second)))
		var missing *kvsmedia.MissingError
		if !errors.As(err, &missing) || len(missing.Missing) != 1 || missing.Err != nil {
			t.Fatal(err)
		}
		var refused *kvsmedia.RefusedError
		m := missing.Missing[0]
		if !errors.As(m.Err, &refused) || refused.ID != 4006 || refused.Code != "INVALID_MKV_DATA" || m.Fragments != 1 || m.Frames < 60 ||
			m.Start.Sub(s.given[0].Time) != 6*time.Second || refused.Time != m.Start {
			t.Errorf("%+v", m)
		}
		s.all(missing)
		if got := len(s.fragments()); got != 10 {
			t.Errorf("%d fragments in the archive, want 10 of 11", got)
		}
	})
}
