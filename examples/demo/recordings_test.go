package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMerge(t *testing.T) {
	for name, c := range map[string]struct{ in, want []span }{
		"nothing":         {nil, []span{}},
		"one after other": {[]span{{2000, 4000}, {0, 2010}, {4100, 6000}}, []span{{1000, 6000}}},
		"a gap":           {[]span{{2000, 4000}, {5000, 6000}}, []span{{2000, 4000}, {5000, 6000}}},
		"twice":           {[]span{{2000, 4000}, {2000, 4000}, {2500, 3000}}, []span{{2000, 4000}}},
		"too old":         {[]span{{0, 500}, {800, 1500}}, []span{{1000, 1500}}},
	} {
		if got := merge(c.in, 1000); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// served are recordings of a stream of the double, on the page's server.
func served(t *testing.T) (*kvsmediatest.Server, *recordings, *httptest.Server) {
	t.Helper()
	srv := kvsmediatest.NewServer(kvsmediatest.Config{})
	archive, err := kvsmedia.NewArchive(kvsmedia.ArchiveConfig{AWS: srv.AWS(), Stream: "door"})
	if err != nil {
		t.Fatal(err)
	}
	rec := &recordings{archive: archive, log: slog.New(slog.DiscardHandler)}
	page := httptest.NewServer(newPage(&page{}, rec, nil, srv.Service))
	t.Cleanup(func() {
		page.Close()
		archive.Close()
		srv.Close()
	})
	return srv, rec, page
}

// ask makes a call of the page and decodes the answer into v, if that is not nil.
func ask(t *testing.T, page *httptest.Server, method, path, body string, v any) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, page.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := page.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if v != nil {
		if err := json.Unmarshal(b, v); err != nil {
			t.Errorf("%s %s: %v in %q", method, path, err, b)
		}
	}
	return resp.StatusCode, string(b)
}

// upload records six seconds that ended a while ago.
func upload(t *testing.T, as aws.Config, ago time.Duration) (start time.Time) {
	t.Helper()
	clip := clips.Day()
	p, err := kvsmedia.NewProducer(kvsmedia.ProducerConfig{AWS: as, Stream: "door", Create: &kvsmedia.StreamSettings{}, Logger: slog.New(slog.DiscardHandler),
		Tracks: []*kvsmedia.Track{clip.Tracks[0], clip.Tracks[2]}})
	if err != nil {
		t.Fatal(err)
	}
	const length = 6 * time.Second
	start = time.Now().Add(-ago - length)
	err = p.Upload(t.Context(), func(yield func(kvsmedia.Frame) bool) {
		for _, f := range clip.Frames {
			f.Time = start.Add(f.PTS)
			if f.PTS >= length || !yield(f) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return start
}

func TestRecordings(t *testing.T) {
	srv, rec, page := served(t)
	var list struct {
		Now, Kept, Fragment int64
		Spans               []span
	}
	if status, text := ask(t, page, "GET", "/api/recordings", "", &list); status != http.StatusOK || list.Spans == nil || len(list.Spans) != 0 {
		t.Errorf("before there is a stream: %d %s", status, text)
	}
	early := upload(t, srv.AWS(), 40*time.Second)
	late := upload(t, srv.AWS(), time.Second)
	again := func() { rec.mu.Lock(); rec.listed = rec.listed.Add(-relist); rec.mu.Unlock() }
	again()
	ask(t, page, "GET", "/api/recordings", "", &list)
	if len(list.Spans) != 2 || list.Kept != kept.Milliseconds() || list.Now-time.Now().UnixMilli() > 1000 || list.Fragment < 1900 || list.Fragment > 2100 {
		t.Fatalf("listed are %+v", list) // fragments of 2 s
	}
	for i, start := range []time.Time{early, late} {
		if s := list.Spans[i]; s.Start-start.UnixMilli() > 10 || start.UnixMilli()-s.Start > 10 || s.End-s.Start < 5800 || s.End-s.Start > 6200 {
			t.Errorf("span %d is %v, recorded from %v on", i, s, start.UnixMilli())
		}
	}

	// Many pages ask, the service is asked once; what is known is not asked for again.
	again()
	before := srv.Calls("ListFragments")
	for range 5 {
		ask(t, page, "GET", "/api/recordings", "", &list)
	}
	if n := srv.Calls("ListFragments") - before; n != 1 || len(list.Spans) != 2 {
		t.Errorf("five pages made %d calls, and have %v", n, list.Spans)
	}

	var play struct{ URL string }
	status, text := ask(t, page, "POST", "/api/recordings/play", `{"start":`+ms(early.Add(3*time.Second))+`}`, &play)
	if status != http.StatusOK || !strings.Contains(play.URL, ".m3u8?SessionToken=") {
		t.Errorf("playing: %d %s", status, text)
	}
	for body, want := range map[string]int{
		`{"start":` + ms(time.Now().Add(time.Minute)) + `}`:   http.StatusNotFound,
		`{"start":` + ms(time.Now().Add(-2*time.Hour)) + `}`:  http.StatusNotFound,
		`{"start":` + ms(time.Now()) + `}`:                    http.StatusOK, // with the fragments just before it
		`{"start":`:                                           http.StatusBadRequest,
		`{"start":"` + strings.Repeat("x", 5000) + `"}`:       http.StatusBadRequest,
		`{"start":` + ms(time.Now().Add(-time.Minute)) + `0}`: http.StatusNotFound,
	} {
		if status, text := ask(t, page, "POST", "/api/recordings/play", body, nil); status != want {
			t.Errorf("playing %.40s: %d %s, want %d", body, status, text, want)
		}
	}
}

// A gap that was filled later plays in its place: the page is told of one playlist
// after another, as it asks for what follows the end of the one before.
func TestGapFilledLater(t *testing.T) {
	srv, rec, page := served(t)
	first := upload(t, srv.AWS(), 60*time.Second)
	last := upload(t, srv.AWS(), 20*time.Second)
	between := upload(t, srv.AWS(), 40*time.Second)
	get := func(url string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := srv.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	entry := regexp.MustCompile(`PROGRAM-DATE-TIME:(\S+)\n#EXTINF:([\d.]+)`)
	var starts, want []time.Duration // in whole seconds
	for _, at := range []time.Time{first, between, last} {
		for _, after := range []time.Duration{0, 2, 4} {
			want = append(want, (at.Sub(first) + after*time.Second).Round(time.Second))
		}
	}
	sessions := 0
	for reached, before := first.Add(time.Second), -1; len(starts) > before; sessions++ {
		before = len(starts)
		var play struct{ URL string }
		if status, text := ask(t, page, "POST", "/api/recordings/play", `{"start":`+ms(reached)+`}`, &play); status != http.StatusOK {
			t.Fatal(status, text)
		}
		base := play.URL[:strings.LastIndex(play.URL, "/")+1]
		list := get(base + regexp.MustCompile(`(?m)^getHLSMediaPlaylist.*$`).FindString(get(play.URL)))
		for _, m := range entry.FindAllStringSubmatch(list, -1) {
			at, err := time.Parse(time.RFC3339Nano, m[1])
			length, lengthErr := time.ParseDuration(m[2] + "s")
			if err != nil || lengthErr != nil {
				t.Fatal(err, lengthErr)
			}
			if before > 0 && at.Before(reached.Add(-50*time.Millisecond)) {
				continue // as the page does with what it has
			}
			starts = append(starts, at.Sub(first).Round(time.Second))
			if len(starts) > 1 && at.Before(reached.Add(-50*time.Millisecond)) {
				t.Errorf("%v after %v", at, reached)
			}
			reached = at.Add(length)
		}
	}
	if !slices.Equal(starts, want) || sessions != 4 {
		t.Errorf("%d sessions play the fragments at %v, want %v", sessions, starts, want)
	}
	// A playlist may end a little before its media: what follows is the next run.
	run, err := rec.run(t.Context(), first.Add(6*time.Second-seam/2), time.Now())
	if err != nil || run.Start.Sub(between).Abs() > 10*time.Millisecond {
		t.Errorf("behind the end of the first playlist comes %v, %v; want %v", run.Start, err, between)
	}
}

// Without a stream the page is told that there are no recordings.
func TestNoRecordings(t *testing.T) {
	page := httptest.NewServer(newPage(&page{}, nil, nil, nil))
	defer page.Close()
	if status, _ := ask(t, page, "GET", "/api/recordings", "", nil); status != http.StatusNotFound {
		t.Errorf("status %d, want %d", status, http.StatusNotFound)
	}
}

func ms(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) }
