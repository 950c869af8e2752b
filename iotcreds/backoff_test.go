package iotcreds_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
)

// backoffs returns how long Retrieve refuses to ask after each of n failures.
func backoffs(t *testing.T, s *iotcredstest.Server, p *iotcreds.Provider, n int, step time.Duration) []time.Duration {
	t.Helper()
	var waits []time.Duration
	for range n {
		_, want := p.Retrieve(t.Context())
		if want == nil {
			t.Fatal("no failure")
		}
		start, asked := time.Now(), s.Calls(api)
		for {
			wait(t.Context(), step)
			before := time.Now()
			_, err := p.Retrieve(t.Context())
			if s.Calls(api) > asked {
				break
			}
			if time.Since(before) != 0 || err == nil {
				t.Fatalf("within the back-off Retrieve took %v and returned %v", time.Since(before), err)
			}
		}
		waits = append(waits, time.Since(start))
	}
	return waits
}

func TestQuickBackoff(t *testing.T) {
	for name, err := range map[string]iotcredstest.Error{
		"throttled":   {Status: 429},
		"5xx":         {Status: 500, Message: "oops"},
		"malformed":   {Status: 200, Body: []byte(`{}`)},
		"throttle400": {Status: 400, Name: "ThrottlingException", Message: "Rate exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := memory(t)
				s.Refuse(api, -1, err)
				p := newProvider(t, s, nil)
				const step = 10 * time.Millisecond
				got := backoffs(t, s, p, 4, step)
				for i, full := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second} {
					within(t, "back-off", got[i], full/2, full+2*step)
				}
				for range 20 {
					wait(t.Context(), 11*time.Second)
					_, _ = p.Retrieve(t.Context())
				}
				within(t, "longest back-off", backoffs(t, s, p, 1, step)[0], 5*time.Second, 10*time.Second+2*step)
				s.Refuse(api, 0, iotcredstest.Error{})
				wait(t.Context(), 11*time.Second)
				retrieve(t, p)
			})
		})
	}
}

func TestSlowBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		ok(t, s.RemoveRoleAlias(iotcredstest.DefaultRoleAlias))
		p := newProvider(t, s, nil)
		const step = time.Second
		got := backoffs(t, s, p, 4, step)
		for i, full := range []time.Duration{2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 10 * time.Minute} {
			within(t, "back-off", got[i], full/2, full+2*step)
		}
		if e := refused(t, p); e.StatusCode != 404 {
			t.Errorf("within the back-off: status %d", e.StatusCode)
		}
		ok(t, s.SetRoleAlias(iotcredstest.DefaultRoleAlias, iotcredstest.RoleAlias{}))
		p.Invalidate() // after the repair
		retrieve(t, p)
	})
}

func TestOutageDoesNotLengthenSlowBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory(t)
		s.Refuse(api, 10, iotcredstest.Error{Status: 503})
		p := newProvider(t, s, nil)
		for range 10 {
			_ = refused(t, p)
			wait(t.Context(), 11*time.Second)
		}
		ok(t, s.RemoveRoleAlias(iotcredstest.DefaultRoleAlias))
		within(t, "first back-off", backoffs(t, s, p, 1, time.Second)[0], time.Minute, 2*time.Minute+2*time.Second)
	})
}
