package recorder_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// A script is what happens while the power may fail.
type script struct {
	length     time.Duration
	events     []time.Duration
	continuous bool
	change     func(after time.Duration, r *recorder.Recorder) // once a second; may be nil
}

func minute(continuous bool) script {
	return script{length: time.Minute, continuous: continuous,
		events: []time.Duration{4 * time.Second, 9 * time.Second, 10 * time.Second, 40 * time.Second}}
}

// hour has an event every four minutes, some of them in threes; one clip is protected and
// one deleted.
func hour() script {
	s := script{length: time.Hour}
	for at := 3 * time.Minute; at < time.Hour; at += 4 * time.Minute {
		s.events = append(s.events, at)
		if at%(8*time.Minute) == 7*time.Minute {
			s.events = append(s.events, at+5*time.Second, at+11*time.Second)
		}
	}
	s.change = func(after time.Duration, r *recorder.Recorder) {
		switch after {
		case 20 * time.Minute:
			for c := range r.Clips(time.Time{}, time.Time{}) {
				_ = r.Protect(c.ID, true)
				break
			}
		case 30 * time.Minute:
			for c := range r.Clips(time.Time{}, time.Time{}) {
				if !c.Protected {
					_ = r.Delete(c.ID)
					break
				}
			}
		}
	}
	return s
}

// promises are what a recorder has said before the power failed.
type promises struct {
	mu      sync.Mutex
	changes map[string]recorder.Change        // that were published, by ID
	media   map[recorder.ClipID]time.Duration // that was committed
	gone    map[recorder.ClipID]bool          // deleted
	open    map[recorder.ClipID]bool          // that were being recorded when the power failed, and had media
	cut     int                               // number of the picture at that moment
	kinds   map[string]int                    // how many changes with other IDs there were of a kind of a clip

	events int               // that were told
	bucket map[string][]byte // pictures that were put, by their keys
}

func newPromises() *promises {
	return &promises{changes: map[string]recorder.Change{}, media: map[recorder.ClipID]time.Duration{}, gone: map[recorder.ClipID]bool{}, open: map[recorder.ClipID]bool{}, kinds: map[string]int{}, bucket: map[string][]byte{}}
}

func (p *promises) publish(_ context.Context, c recorder.Change) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, known := p.changes[c.ID]; !known {
		p.kinds[fmt.Sprint(c.Clip.ID, c.Kind)]++
	}
	p.changes[c.ID] = c
	if c.Kind == recorder.ClipEvicted {
		p.gone[c.Clip.ID] = true
	}
	return nil
}

// note remembers how much of clips is committed.
func (p *promises) note(r *recorder.Recorder) {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.open)
	for c := range r.Clips(time.Time{}, time.Time{}) {
		if c.State == recorder.Recording && c.Length > 0 {
			p.open[c.ID] = true
		}
		p.media[c.ID] = max(p.media[c.ID], c.Length)
	}
}

// play runs a recorder on a card until the script is over, or the power has failed.
func (p *promises) play(t *testing.T, film *tinyFilm, card *storagetest.FS, s script, failed func() bool) {
	cfg := recorder.Config{Source: film, Tracks: []*kvsmedia.Track{film.track}, PreRoll: 3 * time.Second, PostRoll: 5 * time.Second,
		Continuous: s.continuous, Publish: p.publish, PutPicture: p.put, PictureFolder: "door", Logger: quiet}
	recorder.SetFS(&cfg, card.Dir)
	r, err := recorder.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	start := time.Now()
	events := s.events
	for second := time.Duration(0); second < s.length && !failed(); second += time.Second {
		for len(events) > 0 && events[0] <= second {
			if _, err := r.Trigger(p.event()); err != nil {
				t.Error(err)
			}
			events = events[1:]
		}
		if s.change != nil {
			s.change(second, r)
		}
		time.Sleep(time.Until(start.Add(second + time.Second)))
		if !failed() {
			p.note(r)
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// cut plays a script on a card whose power fails at an operation, and looks at what a
// recorder finds after that; again says at which operation of the recovery the power fails
// once more, below zero not at all.
func cut(t *testing.T, kind storagetest.Kind, s script, op, again int, seed uint64) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 30, 23, 59, 30, 0, time.UTC)))
		film, p := newTinyFilm(), newPromises()
		coin := rand.New(rand.NewPCG(seed, uint64(op)))
		card := storagetest.New(kind, 512<<20)
		card.CutAt(op)
		p.play(t, film, card, s, func() bool {
			if failed := card.Ops() > op; !failed {
				p.cut = int(time.Since(film.start) / tinyStep)
				return false
			}
			return true
		})
		cut, open := p.cut, maps.Clone(p.open)
		card = card.Restart(coin)
		quietScript := script{length: 15 * time.Second, continuous: s.continuous}
		if again >= 0 {
			card.CutAt(again)
			p.play(t, film, card, quietScript, func() bool { return card.Ops() > again })
			card = card.Restart(coin)
		}
		p.play(t, film, card, quietScript, func() bool { return false })
		p.cut, p.open = cut, open
		p.check(t, film, card, s)
		if t.Failed() {
			t.Fatalf("kind %d, cut at %d, again at %d, seed %d", kind, op, again, seed)
		}
	})
}

// check looks whether a card keeps what was promised.
func (p *promises) check(t *testing.T, film *tinyFilm, card *storagetest.FS, s script) {
	cfg := recorder.Config{Source: film, Tracks: []*kvsmedia.Track{film.track}, Logger: quiet}
	recorder.SetFS(&cfg, card.Dir)
	r, err := recorder.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	time.Sleep(2 * time.Second)
	found := map[recorder.ClipID]recorder.Clip{}
	for c := range r.Clips(time.Time{}, time.Time{}) {
		found[c.ID] = c
		readable(t, r, c)
		// Blocks have 2 s here, and another may be on its way.
		if list := p.pictures(t, r, c); p.open[c.ID] && (len(list) == 0 || list[len(list)-1] < p.cut-17) {
			t.Errorf("%s was being recorded when the power failed at picture %d, and ends with %v", c.ID, p.cut, list)
		}
		if c.State == recorder.Recording {
			t.Errorf("%s is still being recorded", c.ID)
		}
		if c.End.Sub(c.Start) > c.Length+2*time.Second {
			t.Errorf("%s claims %v for %v of media", c.ID, c.End.Sub(c.Start), c.Length)
		}
	}
	for _, c := range p.changes { // of a clip without media nothing is kept once that was said
		if c.Kind == recorder.ClipEnded && c.Clip.Bytes == 0 {
			p.gone[c.Clip.ID] = true
		}
	}
	for _, c := range p.changes {
		if _, ok := found[c.Clip.ID]; !ok && !p.gone[c.Clip.ID] {
			t.Errorf("clip %s, which has %s, is forgotten", c.Clip.ID, c.Kind)
		}
		if n := p.kinds[fmt.Sprint(c.Clip.ID, c.Kind)]; n > 1 && c.Kind != recorder.ClipEvicted && c.Kind != recorder.ClipPicture {
			t.Errorf("clip %s has %d times %s", c.Clip.ID, n, c.Kind)
		}
		if n := p.kinds[fmt.Sprint(c.Clip.ID, recorder.ClipEnded)]; n != 1 {
			t.Errorf("clip %s has %d times %s", c.Clip.ID, n, recorder.ClipEnded)
		}
		if f := found[c.Clip.ID]; c.Kind == recorder.ClipEnded && f.ID != "" && f.Length < c.Clip.Length {
			t.Errorf("clip %s ended with %v; now it has %v", f.ID, c.Clip.Length, f.Length)
		}
	}
	for id, media := range p.media {
		if f, ok := found[id]; !p.gone[id] && ok && f.Length < media {
			t.Errorf("%v of %s were committed; it has %v", media, id, f.Length)
		} else if !ok && !p.gone[id] && media > 0 {
			t.Errorf("clip %s with %v is forgotten", id, media)
		}
	}
	p.checkPictures(t, r, found)
	cancel()
	<-ended
}

// readable reads all of a clip: its pictures follow one another.
func readable(t *testing.T, r *recorder.Recorder, c recorder.Clip) {
	t.Helper()
	if c.Bytes == 0 || !c.OnDevice {
		return
	}
	m, err := r.Open(c.ID)
	if err != nil {
		t.Error(c.ID, err)
		return
	}
	list := slices.Collect(m.Frames())
	if err := errors.Join(m.Err(), m.Close()); err != nil {
		t.Error(c.ID, err)
	}
	for i := 1; i < len(list); i++ {
		if a, b := number(list[i-1]), number(list[i]); b != a+1 {
			t.Errorf("%s: picture %d comes after %d", c.ID, b, a)
		}
	}
	if want := int(c.Length / tinyStep); len(list) < want-1 {
		t.Errorf("%s: %d pictures in %v", c.ID, len(list), c.Length)
	}
	movie, err := r.MP4(c.ID)
	if err != nil {
		t.Error(c.ID, err)
		return
	}
	if n, err := io.Copy(io.Discard, movie); n == 0 || err != nil {
		t.Errorf("%s: MP4 of %d bytes, %v", c.ID, n, err)
	}
	if err := movie.Close(); err != nil {
		t.Error(err)
	}
}

// pictures returns the numbers of a clip's pictures.
func (p *promises) pictures(t *testing.T, r *recorder.Recorder, c recorder.Clip) (list []int) {
	t.Helper()
	if c.Bytes == 0 || !c.OnDevice {
		return nil
	}
	m, err := r.Open(c.ID)
	if err != nil {
		t.Error(err)
		return nil
	}
	for f := range m.Frames() {
		list = append(list, number(f))
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	return list
}

// operations returns how many operations a script has when the power stays.
func operations(t *testing.T, kind storagetest.Kind, s script) (n int) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 11, 30, 23, 59, 30, 0, time.UTC)))
		film, p := newTinyFilm(), newPromises()
		card := storagetest.New(kind, 512<<20)
		p.play(t, film, card, s, func() bool { return false })
		n = card.Ops()
		p.check(t, film, card, s)
	})
	return n
}

var kinds = map[string]storagetest.Kind{"ext4": storagetest.Ext4, "FAT": storagetest.FAT}

// TestPowerCut has the power fail at every operation of a minute with events, and once
// more while the recorder recovers.
func TestPowerCut(t *testing.T) {
	for name, kind := range kinds {
		for mode, s := range map[string]script{"events": minute(false), "continuous": minute(true)} {
			t.Run(name+"/"+mode, func(t *testing.T) {
				total := operations(t, kind, s)
				step := 1
				if testing.Short() || race {
					step = 7
				}
				t.Logf("%d operations", total)
				for op := 0; op < total; op += step {
					again := -1
					if op%3 == 1 {
						again = op / 3 % 60
					}
					cut(t, kind, s, op, again, uint64(op))
				}
			})
		}
	}
}

// TestPowerCutInAnHour has the power fail at operations drawn from an hour.
func TestPowerCutInAnHour(t *testing.T) {
	draws := 250 // of each kind
	if testing.Short() || race {
		draws = 20
	}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			s := hour()
			total := operations(t, kind, s)
			coin := rand.New(rand.NewPCG(7, 7))
			for range draws {
				op := coin.IntN(total)
				cut(t, kind, s, op, coin.IntN(200)-100, uint64(op))
			}
		})
	}
}

// TestPowerCutSoonAfterAnEvent: a clip of a recording of all the time has what was on the
// card already when its event came, also if no block comes after that.
func TestPowerCutSoonAfterAnEvent(t *testing.T) {
	for at := time.Duration(0); at < 2*time.Second; at += tinyStep {
		synctest.Test(t, func(t *testing.T) {
			film, p := newTinyFilm(), newPromises()
			card := storagetest.New(storagetest.FAT, 512<<20)
			record := func(length time.Duration, then func(*recorder.Recorder)) {
				cfg := recorder.Config{Source: film, Tracks: []*kvsmedia.Track{film.track}, PreRoll: 3 * time.Second, Continuous: true, Logger: quiet}
				recorder.SetFS(&cfg, card.Dir)
				r, err := recorder.New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- r.Run(ctx) }()
				time.Sleep(length)
				then(r)
				cancel()
				<-ended
			}
			var clip recorder.ClipID
			record(20*time.Second+at, func(r *recorder.Recorder) {
				var err error
				if clip, err = r.Trigger(recorder.Event{Type: "ring"}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * tinyStep)
				card.CutAt(card.Ops() - 1)
			})
			card = card.Restart(rand.New(rand.NewPCG(1, uint64(at))))
			record(time.Second, func(r *recorder.Recorder) {
				c, err := r.Clip(clip)
				if err != nil {
					t.Fatal(err)
				}
				first := int((17*time.Second + at) / tinyStep)
				if list := p.pictures(t, r, c); len(list) == 0 || list[0] > first || list[len(list)-1] < first+3 {
					t.Errorf("event %v after a block: the clip has %v and begins at %d", at, list, first)
				}
			})
		})
	}
}
