package kvsmedia_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// What cannot be read, or would be refused, gets a receipt that says why, is not sent, and
// stops no other.
func TestStoredUnfit(t *testing.T) {
	day := clips.Day()
	broken := errors.New("bad sector")
	frames := func(f *kvsmedia.Stored) []kvsmedia.Frame {
		var list []kvsmedia.Frame
		for fr, err := range f.Frames {
			if err == nil {
				list = append(list, fr)
			}
		}
		return list
	}
	edit := func(f *kvsmedia.Stored, change func([]kvsmedia.Frame) []kvsmedia.Frame) {
		f.Frames = readable(change(frames(f))...)
	}
	tags := func(n int, name, value string) kvsmedia.Tags {
		list := kvsmedia.Tags{}
		for i := range n {
			list[fmt.Sprint(name, i)] = value
		}
		return list
	}
	for name, c := range map[string]struct {
		change func(*kvsmedia.Stored)
		want   string
	}{
		"unreadable": {func(f *kvsmedia.Stored) {
			list := frames(f)
			f.Frames = func(yield func(kvsmedia.Frame, error) bool) {
				for _, fr := range list[:9] {
					if !yield(fr, nil) {
						return
					}
				}
				yield(kvsmedia.Frame{}, broken)
			}
		}, "cannot be read: bad sector"},
		"no frames":     {func(f *kvsmedia.Stored) { f.Frames = readable() }, "no frames of ProducerConfig.Tracks"},
		"nil":           {func(f *kvsmedia.Stored) { f.Frames = nil }, "no Frames"},
		"other tracks":  {func(f *kvsmedia.Stored) { f.Frames = only(f.Frames, find(day, "opus")) }, "no frames of ProducerConfig.Tracks"},
		"no track":      {func(f *kvsmedia.Stored) { f.Frames = readable(kvsmedia.Frame{Data: []byte{1}}) }, "no frames of ProducerConfig.Tracks"},
		"no key frame":  {func(f *kvsmedia.Stored) { edit(f, func(l []kvsmedia.Frame) []kvsmedia.Frame { return l[3:] }) }, "does not begin with a key frame"},
		"too long":      {func(f *kvsmedia.Stored) { edit(f, shift(18*time.Second+2*ms)) }, "at most 20s"},
		"far behind":    {func(f *kvsmedia.Stored) { edit(f, shift(-35*time.Second)) }, "from the first frame"},
		"absurd PTS":    {func(f *kvsmedia.Stored) { edit(f, shift(math.MaxInt64-10*time.Second)) }, "PTS is out of range"},
		"no time":       {func(f *kvsmedia.Stored) { f.Time = time.Time{} }, "between 1970 and 2100"},
		"before 1970":   {func(f *kvsmedia.Stored) { f.Time = time.Unix(-1, 0) }, "between 1970 and 2100"},
		"after 2100":    {func(f *kvsmedia.Stored) { f.Time = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC) }, "between 1970 and 2100"},
		"eleven tags":   {func(f *kvsmedia.Stored) { f.Tags = tags(11, "n", "v") }, "at most 10"},
		"long name":     {func(f *kvsmedia.Stored) { f.Tags = tags(1, strings.Repeat("n", 128), "v") }, "names have 1 to 128"},
		"long value":    {func(f *kvsmedia.Stored) { f.Tags = tags(1, "n", strings.Repeat("v", 257)) }, "values at most 256"},
		"reserved name": {func(f *kvsmedia.Stored) { f.Tags = kvsmedia.Tags{"AWS_X": ""} }, "the service's own"},
		"image prefix": {func(f *kvsmedia.Stored) {
			f.Tags = kvsmedia.Tags{"AWS_KINESISVIDEO_IMAGE_PREFIX": strings.Repeat("v", 257)}
		}, "AWS_KINESISVIDEO_IMAGE_PREFIX"},
		"empty frame": {func(f *kvsmedia.Stored) {
			edit(f, func(l []kvsmedia.Frame) []kvsmedia.Frame { l[5].Data = nil; return l })
		}, "cannot be stored"},
		"no picture": {func(f *kvsmedia.Stored) {
			edit(f, func(l []kvsmedia.Frame) []kvsmedia.Frame { l[4].Data = []byte("no start code"); return l })
		}, "frame 5, of track"},
		"two of one track": {func(f *kvsmedia.Stored) {
			edit(f, func(l []kvsmedia.Frame) []kvsmedia.Frame {
				twin := *l[0].Track
				l[len(l)-1].Track = &twin
				return l
			})
		}, "two tracks"},
		"larger than the buffer": {func(f *kvsmedia.Stored) { edit(f, swell(3<<20)) }, "BufferBytes"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video(), BufferBytes: 2 << 20})
				defer s.srv.Close()
				given := shelved(&clips.Clip{Frames: slices.DeleteFunc(slices.Clone(day.Frames), func(f kvsmedia.Frame) bool { return f.Track != day.Tracks[0] })}, "f", at(), 2*time.Second, 3)
				c.change(&given[1])
				got := s.receipts(slices.Values(given))
				slices.SortFunc(got, func(a, b kvsmedia.Receipt) int { return strings.Compare(a.Key, b.Key) })
				if k := keys(got); k != "f0 f1! f2" || !strings.Contains(got[1].Err.Error(), c.want) || !strings.Contains(got[1].Err.Error(), `kvsmedia: stored fragment "f1": `) ||
					strings.Count(got[1].Err.Error(), "kvsmedia") != 1 || got[1].Number != "" || got[1].Run != "" {
					t.Errorf("receipts %s; the error is %v, want %q", k, got[1].Err, c.want)
				}
				if name == "unreadable" && !errors.Is(got[1].Err, broken) {
					t.Error("the error does not wrap the cause")
				}
				if n := len(s.fragments()); n != 2 || s.Stats().Resent != 0 || s.Stats().Sessions != 1 {
					t.Errorf("%d fragments; %+v", n, s.Stats())
				}
			})
		})
	}
}

// shift moves the last frame.
func shift(d time.Duration) func([]kvsmedia.Frame) []kvsmedia.Frame {
	return func(l []kvsmedia.Frame) []kvsmedia.Frame {
		l[len(l)-1].PTS = l[0].PTS + d
		if d > 0 && d < 30*time.Second {
			l[len(l)-1].PTS += 2 * time.Second
		}
		return l
	}
}

// swell makes the last frame as large.
func swell(size int) func([]kvsmedia.Frame) []kvsmedia.Frame {
	return func(l []kvsmedia.Frame) []kvsmedia.Frame {
		last := &l[len(l)-1]
		last.Data = append(bytes.Clone(last.Data), bytes.Repeat([]byte{0x55}, size)...)
		return l
	}
}

// At the bounds a fragment is taken: 20 s, 50 MB but for the header, ten tags.
func TestStoredBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{Limits: kvsmediatest.Limits{UploadBytes: -1}}, kvsmedia.ProducerConfig{Tracks: video()})
		defer s.srv.Close()
		one := func(key string, change func([]kvsmedia.Frame) []kvsmedia.Frame) kvsmedia.Stored {
			var l []kvsmedia.Frame
			for _, f := range clips.Day().Frames {
				if f.Track == s.tracks[0] && f.PTS < 2*time.Second {
					l = append(l, f)
				}
			}
			return kvsmedia.Stored{Key: key, Time: at().Add(time.Duration(key[0]) * time.Hour), Frames: readable(change(l)...)}
		}
		long := one("a", shift(18*time.Second))
		long.Tags = kvsmedia.Tags{"AWS_KINESISVIDEO_IMAGE_GENERATION": "", "AWS_KINESISVIDEO_NOTIFICATION": ""}
		for i := range 8 {
			long.Tags[fmt.Sprint(i)] = strings.Repeat("v", 256)
		}
		large := func(key string, parts int) kvsmedia.Stored {
			return one(key, func(l []kvsmedia.Frame) []kvsmedia.Frame {
				for i := range parts {
					swell(1 << 20)(l[:10+i])
				}
				return l
			})
		}
		got := s.receipts(slices.Values([]kvsmedia.Stored{long, large("b", 24), large("c", 24)}))
		if k := keys(got); k != "a b c" {
			for _, r := range got {
				t.Log(r.Err)
			}
			t.Errorf("receipts: %s", k)
		}
	})
}

// A fragment that the service refuses for its content is tried twice, gets its refusal,
// and no other does.
func TestStoredRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: videoAndSound()})
		defer s.srv.Close()
		s.srv.Inject(
			kvsmediatest.Fault{Skip: 2, When: kvsmediatest.Received, Do: kvsmediatest.SendError, ErrorID: 4011},
			kvsmediatest.Fault{Skip: 3, When: kvsmediatest.Received, Do: kvsmediatest.SendError, ErrorID: 4011},
		)
		got := s.receipts(slices.Values(shelved(clips.Day(), "f", at(), 2*time.Second, 6)))
		var refused *kvsmedia.RefusedError
		i := slices.IndexFunc(got, func(r kvsmedia.Receipt) bool { return errors.As(r.Err, &refused) })
		slices.SortFunc(got, func(a, b kvsmedia.Receipt) int { return strings.Compare(a.Key, b.Key) })
		if k := keys(got); i < 0 || k != "f0 f1 f2! f3 f4 f5" || refused.ID != 4011 || !refused.Time.Equal(got[2].Time) {
			t.Errorf("receipts %s: %v", k, refused)
		}
		if st := s.Stats(); st.Refused.Fragments != 1 || st.Stored.Fragments != 5 {
			t.Errorf("%+v", st)
		}
	})
}

// Whatever the connection suffers, every fragment is stored and has one receipt.
func TestStoredFaults(t *testing.T) {
	for _, when := range []kvsmediatest.Moment{kvsmediatest.Buffering, kvsmediatest.Received, kvsmediatest.Persisted} {
		for name, f := range map[string]kvsmediatest.Fault{
			"reset": {Do: kvsmediatest.Reset}, "stall": {Do: kvsmediatest.Stall},
			"slow":    {Do: kvsmediatest.SlowAcks, Delay: 40 * time.Second},
			"4003":    {Do: kvsmediatest.SendError, ErrorID: 4003},
			"5001":    {Do: kvsmediatest.SendError, ErrorID: 5001},
			"4004":    {Do: kvsmediatest.SendError, ErrorID: 4004},
			"unknown": {Do: kvsmediatest.SendError, ErrorID: 4999},
		} {
			t.Run(fmt.Sprint(name, when), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newStudio(t, kvsmediatest.Config{Limits: kvsmediatest.Limits{Uploads: -1}}, kvsmedia.ProducerConfig{Tracks: videoAndSound()})
					defer s.srv.Close()
					f.When = when
					for _, f.Skip = range []int{3, 9} {
						s.srv.Inject(f)
					}
					got := s.receipts(slices.Values(shelved(clips.Day(), "f", at(), 2*time.Second, 10)))
					if k := keys(got); k != "f0 f1 f2 f3 f4 f5 f6 f7 f8 f9" {
						t.Errorf("receipts: %s", k)
					}
					if n := len(s.fragments()); n != 10 {
						t.Errorf("%d fragments are stored", n)
					}
				})
			})
		}
	}
}

// Five fragments a second are the most, also where the service does not count.
func TestStoredPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{Limits: kvsmediatest.Limits{FragmentRate: -1}}, kvsmedia.ProducerConfig{Tracks: video()})
		defer s.srv.Close()
		s.srv.Inject(kvsmediatest.Fault{Skip: 13, When: kvsmediatest.Buffering, Do: kvsmediatest.Reset})
		var taken []time.Time
		plan := func(yield func(kvsmedia.Stored) bool) {
			for i := range 40 {
				f := shelved(clips.Day(), "f", at().Add(time.Duration(i)*time.Minute), 2*time.Second, 1)[0]
				taken = append(taken, time.Now())
				if !yield(f) {
					return
				}
			}
		}
		s.receipts(plan)
		at := began(s.srv.Events())
		for i := 5; i < len(at); i++ {
			if d := at[i].Sub(at[i-5]); d < time.Second {
				t.Fatalf("fragments %d to %d began within %v", i-5, i, d)
			}
		}
		if took := at[len(at)-1].Sub(at[0]); len(at) < 40 || took > 20*time.Second {
			t.Errorf("%d fragments took %v, five a second are allowed", len(at), took)
		}
		early := 0
		for i, f := range s.fragments() { // what waits when it was taken cannot give way any more
			if f.ServerTime.Sub(taken[i]) > 100*ms {
				early++
			}
		}
		if early > 3 { // but for those that open a session, and what the reset broke off
			t.Errorf("%d fragments were asked for before they could be sent", early)
		}
	})
}

// Another producer's connection is named as what it is.
func TestStoredConnectionLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: video()})
		defer s.srv.Close()
		s.srv.Refuse("PutMedia", 4, kvsmediatest.Error{Name: "ConnectionLimitExceededException"})
		during := make(chan error, 1)
		defer time.AfterFunc(500*ms, func() { during <- s.Stats().Err }).Stop()
		if k := keys(s.receipts(slices.Values(shelved(clips.Day(), "f", at(), 2*time.Second, 1)))); k != "f0" {
			t.Error(k)
		}
		if err := <-during; err == nil || !strings.Contains(err.Error(), "another producer uploads to the stream") {
			t.Error(err)
		}
	})
}

// Where nothing is retained, RECEIVED is all there is.
func TestStoredWithoutRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, kvsmediatest.Config{}, video())
		defer s.srv.Close()
		if _, err := s.srv.AddStream("live", kvsmediatest.StreamConfig{}); err != nil {
			t.Fatal(err)
		}
		p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{AWS: s.srv.AWS(), Stream: "live", Tracks: video(), Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		s.Producer = p
		got := s.receipts(slices.Values(shelved(clips.Day(), "f", at(), 2*time.Second, 3)))
		if k := keys(got); k != "f0 f1 f2" || got[2].Number == "" || got[2].Run != got[0].Number {
			t.Errorf("%+v", got)
		}
	})
}

// Frames that a Reader made of a file are of the producer's tracks.
func TestStoredFromFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStudio(t, kvsmediatest.Config{}, kvsmedia.ProducerConfig{Tracks: videoAndSound()})
		defer s.srv.Close()
		file := mux(t, true, clips.Day().Frames, clips.Day().Tracks...)
		plan := func(yield func(kvsmedia.Stored) bool) {
			start, n := at(), 0
			for f := range kvsmedia.NewReader(bytes.NewReader(file)).Fragments() {
				st := kvsmedia.Stored{Key: fmt.Sprint(n), Time: start.Add(f.Frames[0].PTS), Frames: readable(f.Frames...)}
				if n++; !yield(st) {
					return
				}
			}
		}
		got := s.receipts(plan)
		stored := s.fragments()
		frames := 0
		for _, f := range stored {
			frames += len(f.Frames)
		}
		want := 0
		for _, f := range clips.Day().Frames {
			if slices.Contains(s.tracks, f.Track) {
				want++
			}
		}
		if len(got) != 10 || len(stored) != 10 || frames != want || stored[0].Frames[0].Track.Name != "main" {
			t.Errorf("%s; %d fragments with %d frames, %d were given", keys(got), len(stored), frames, want)
		}
	})
}
