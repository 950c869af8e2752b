package camera

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

// A command may be replaced while it is called, and be called without a body.
func TestHandleReplaces(t *testing.T) {
	type light struct{ Night bool }
	var c Commands
	call := c.handler(signaling.Peer{ID: "ann"})
	for _, answer := range []string{"first", "second"} {
		Handle(&c, "light", func(_ context.Context, p signaling.Peer, l light) (string, error) {
			if l.Night {
				return answer + " at night", nil
			}
			return answer + " to " + p.ID, nil
		})
		if got, err := call(t.Context(), "light", nil); err != nil || got != answer+" to ann" {
			t.Errorf("without a body: %v, %v", got, err)
		}
		if got, err := call(t.Context(), "light", json.RawMessage(`{"Night":true}`)); err != nil || got != answer+" at night" {
			t.Errorf("with a body: %v, %v", got, err)
		}
	}
	var refused *signaling.CommandError
	if _, err := (&Commands{}).handler(signaling.Peer{})(t.Context(), "light", nil); !errors.As(err, &refused) || refused.Code != "unknown" {
		t.Errorf("without commands: %v", err)
	}
}

// The floor is given up after a second of silence, and not before; others are not
// heard meanwhile, nor are pictures.
func TestTheFloorIsHeldForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Config{Tracks: []*kvsmedia.Track{{Codec: kvsmedia.H264}}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.talk.close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		voices, events := c.Talkback(ctx), c.Events(ctx)
		say := func(id, word string, codec kvsmedia.Codec) {
			c.hear(&visit{peer: &peer{peer: signaling.Peer{ID: id}}}, kvsmedia.Frame{Track: &kvsmedia.Track{Codec: codec}, Data: []byte(word)})
		}
		say("ann", "picture", kvsmedia.H264)
		say("ann", "one", kvsmedia.Opus)
		time.Sleep(999 * time.Millisecond)
		say("bob", "me", kvsmedia.Opus)
		say("ann", "two", kvsmedia.Opus)
		time.Sleep(999 * time.Millisecond)
		say("bob", "me", kvsmedia.Opus)
		time.Sleep(2 * time.Millisecond)
		say("bob", "three", kvsmedia.Opus)

		var heard, floor []string
		for f := range voices {
			if heard = append(heard, string(f.Data)); len(heard) == 3 {
				break
			}
		}
		for e := range events {
			if floor = append(floor, e.(Talking).Peer.ID); len(floor) == 3 {
				break
			}
		}
		if want := []string{"one", "two", "three"}; !slices.Equal(heard, want) {
			t.Errorf("heard %q, want %q", heard, want)
		}
		if want := []string{"ann", "", "bob"}; !slices.Equal(floor, want) {
			t.Errorf("the floor went to %q, want %q", floor, want)
		}
	})
}
