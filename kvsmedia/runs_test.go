package kvsmedia_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// library is a stream of the double with its archive, in a bubble.
type library struct {
	*studio
	archive *kvsmedia.Archive
}

func inLibrary(t *testing.T, cfg kvsmediatest.Config, do func(*testing.T, *library)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		tracks := []*kvsmedia.Track{clips.Day().Tracks[0], clips.Day().Tracks[2]}
		l := &library{studio: newStudio(t, cfg, kvsmedia.ProducerConfig{Tracks: tracks, Block: true})}
		defer l.srv.Close()
		var err error
		if l.archive, err = kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: l.aws, Stream: door}); err != nil {
			t.Fatal(err)
		}
		defer l.archive.Close()
		do(t, l)
	})
}

// store uploads the part of the day from one time to another, as recorded at a time.
func (l *library) store(at time.Time, from, to time.Duration) {
	l.t.Helper()
	l.produce(kvsmedia.ProducerConfig{Block: true}) // one that has sent nothing yet takes any time
	err := l.Upload(l.t.Context(), func(yield func(kvsmedia.Frame) bool) {
		for _, f := range clips.Day().Frames {
			f.Time = at.Add(f.PTS)
			if f.PTS >= from && (f.PTS >= to || !yield(f)) {
				return
			}
		}
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *library) get(url string) string {
	l.t.Helper()
	r, err := http.NewRequestWithContext(l.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	resp, err := l.srv.Client().Do(r)
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		l.t.Fatalf("%s: %d %s %v", url, resp.StatusCode, b, err)
	}
	return string(b)
}

// played returns when the fragments begin that a session plays, in seconds after
// origin.
func (l *library) played(origin time.Time, p kvsmedia.Playback) (starts []string) {
	l.t.Helper()
	url, err := l.archive.HLSURL(l.t.Context(), p)
	if err != nil {
		l.t.Fatal(err)
	}
	base := url[:strings.LastIndex(url, "/")+1]
	playlist := l.get(base + regexp.MustCompile(`(?m)^getHLSMediaPlaylist.*$`).FindString(l.get(url)))
	for _, m := range regexp.MustCompile(`PROGRAM-DATE-TIME:(\S+)`).FindAllStringSubmatch(playlist, -1) {
		at, err := time.Parse(time.RFC3339Nano, m[1])
		if err != nil {
			l.t.Fatal(err)
		}
		starts = append(starts, fmt.Sprintf("%g", at.Sub(origin).Seconds()))
	}
	return starts
}

func (l *library) runs(r kvsmedia.Range) []kvsmedia.Run {
	l.t.Helper()
	var runs []kvsmedia.Run
	for run, err := range l.archive.Runs(l.t.Context(), r) {
		if err != nil {
			l.t.Fatal(err)
		}
		runs = append(runs, run)
	}
	return runs
}

// A range that was uploaded live with a gap that is filled an hour later plays
// whole, in order and once: a session a run. One session for all has the gap.
func TestRuns(t *testing.T) {
	inLibrary(t, kvsmediatest.Config{}, func(t *testing.T, l *library) {
		at := time.Now().Truncate(time.Second)
		time.Sleep(6 * time.Second)
		l.store(at, 0, 6*time.Second)
		time.Sleep(14 * time.Second)
		l.store(at, 14*time.Second, 20*time.Second)
		time.Sleep(time.Hour)
		l.store(at, 4*time.Second, 16*time.Second) // what is there already goes up again at both ends

		const want = "0 2 4 6 8 10 12 14 16 18"
		day := kvsmedia.Range{Start: at, End: at.Add(20 * time.Second)}
		if got := strings.Join(l.played(at, kvsmedia.Playback{Range: day}), " "); got != "0 2 4 14 16 18" {
			t.Errorf("one session plays %s", got)
		}
		runs := l.runs(day)
		var got []string
		var bytes int
		for _, run := range runs {
			got = append(got, l.played(at, kvsmedia.Playback{Range: run.Range})...)
			clip, err := l.archive.Clip(t.Context(), run.Range)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(clip)
			if bytes += len(b); err != nil || clip.Close() != nil {
				t.Error(err)
			}
		}
		if len(runs) != 3 || strings.Join(got, " ") != want {
			t.Fatalf("%d runs play %v", len(runs), got)
		}
		if bytes < 10*20_000 {
			t.Errorf("the clips have %d bytes", bytes)
		}
		if end := runs[2].MediaEnd().Sub(at); end < 19900*time.Millisecond || end > 20100*time.Millisecond {
			t.Errorf("the media end after %v", end)
		}
		// The boundary of a range can lie in a run.
		got = nil
		for _, run := range l.runs(kvsmedia.Range{Start: at.Add(3 * time.Second), End: at.Add(15 * time.Second)}) {
			got = append(got, l.played(at, kvsmedia.Playback{Range: run.Range})...)
		}
		if strings.Join(got, " ") != "4 6 8 10 12 14" {
			t.Errorf("a part plays %v", got)
		}
		if runs := l.runs(kvsmedia.Range{}); len(runs) != 3 {
			t.Errorf("of all there are %d runs", len(runs))
		}
		for _, err := range l.archive.Runs(t.Context(), kvsmedia.Range{Start: at, Server: true}) {
			if err == nil || !strings.Contains(err.Error(), "producer timestamps") {
				t.Errorf("runs of server timestamps: %v", err)
			}
		}
	})
}

// An archive keeps to the quotas without a retry: listing more than the 5,000
// fragments of five pages too. What does not keep to them is throttled.
func TestQuotas(t *testing.T) {
	if testing.Short() {
		t.Skip("lists ten thousand fragments")
	}
	cfg := kvsmediatest.Config{Limits: kvsmediatest.Limits{FragmentRate: -1, Rates: map[string]kvsmediatest.Rate{"GetDataEndpoint": {Stream: -1}}}}
	inLibrary(t, cfg, func(t *testing.T, l *library) {
		at := time.Now().Truncate(time.Second).Add(-6 * time.Hour)
		key := clips.Day().Frames[0]
		l.tracks = l.tracks[:1]
		l.produce(kvsmedia.ProducerConfig{Block: true})
		const fragments = 10_500
		err := l.Upload(t.Context(), func(yield func(kvsmedia.Frame) bool) {
			for i := range fragments {
				key.PTS = time.Duration(i) * time.Second
				key.Time = at.Add(key.PTS)
				if !yield(key) {
					return
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx := t.Context()
		first := kvsmedia.Range{Start: at, End: at.Add(2 * time.Second)}
		throttled := func(api string) (n int) {
			for _, e := range l.srv.Events() {
				if e.Name == api && strings.Contains(e.Detail, "LimitExceeded") {
					n++
				}
			}
			return n
		}
		began := time.Now()
		n := 0
		for _, err := range l.archive.ListFragments(ctx, kvsmedia.Range{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if took := time.Since(began); n != fragments || l.srv.Calls("ListFragments") != 11 || took < 2*time.Second || took > 3*time.Second {
			t.Errorf("%d fragments are listed in %d calls and %v", n, l.srv.Calls("ListFragments"), took)
		}
		numbers := []string{l.srv.Fragments(door)[0].Number}
		calls := map[string]func(*kvsmedia.Archive) error{
			"GetClip": func(a *kvsmedia.Archive) error {
				clip, err := a.Clip(ctx, first)
				if err == nil {
					clip.Close()
				}
				return err
			},
			"GetHLSStreamingSessionURL": func(a *kvsmedia.Archive) error {
				_, err := a.HLSURL(ctx, kvsmedia.Playback{Range: first})
				return err
			},
			"GetDASHStreamingSessionURL": func(a *kvsmedia.Archive) error {
				_, err := a.DASHURL(ctx, kvsmedia.Playback{Range: first})
				return err
			},
			"GetMediaForFragmentList": func(a *kvsmedia.Archive) error {
				m, err := a.MediaForFragments(ctx, numbers...)
				if err == nil {
					m.Close()
				}
				return err
			},
			"GetImages": func(a *kvsmedia.Archive) error { // pages of times without media
				for _, err := range a.Images(ctx, kvsmedia.ImageRequest{Range: kvsmedia.Range{Start: at.Add(-time.Minute), End: at.Add(-59 * time.Second)}}) {
					if !errors.Is(err, kvsmedia.ErrNoMedia) && err != nil {
						return err
					}
				}
				return nil
			},
		}
		times := func(name string) int { // more than the first two seconds' calls
			if strings.HasSuffix(name, "URL") {
				return 80
			}
			return 20
		}
		for name, call := range calls {
			for range times(name) {
				if err := call(l.archive); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			if n := throttled(name) + throttled("ListFragments"); n > 0 {
				t.Errorf("%d calls of %s were throttled", n, name)
			}
		}
		for name, call := range calls { // an archive a call knows nothing of the others
			for range times(name) {
				a, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: l.aws, Stream: door})
				if err != nil {
					t.Fatal(err)
				}
				_ = call(a)
				a.Close()
			}
			if throttled(name) == 0 {
				t.Errorf("%s is not throttled by the double", name)
			}
		}
	})
}

// A throttled call is made again after a second at least.
func TestThrottled(t *testing.T) {
	inLibrary(t, kvsmediatest.Config{}, func(t *testing.T, l *library) {
		l.store(time.Now(), 0, 4*time.Second)
		l.srv.Refuse("ListFragments", 2, kvsmediatest.Error{Status: 400, Name: "ClientLimitExceededException"})
		began := time.Now()
		n := 0
		for _, err := range l.archive.ListFragments(t.Context(), kvsmedia.Range{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if took := time.Since(began); n != 2 || took < 2*time.Second || took > 10*time.Second {
			t.Errorf("%d fragments after %v", n, took)
		}
	})
}
