package status_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"go.uber.org/goleak"

	"github.com/smartcam-sdk/smartcam/camera"
	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/examples/camera/device"
	"github.com/smartcam-sdk/smartcam/examples/camera/status"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
	"github.com/smartcam-sdk/smartcam/signaling"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 11, 30, 1, 2, 3, 0, time.UTC)

// figures are those of a camera with one track, one viewer, an upload and a recorder of
// clips, of which nothing is known.
func figures() *device.Figures {
	main := &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}
	return &device.Figures{
		Camera:    camera.Status{Tracks: []camera.TrackStatus{{Track: main}}, Viewers: []camera.Viewer{{}}},
		Source:    []device.SourceTrack{{Track: main}},
		Recording: &kvsmedia.Stats{},
		Clips:     &recorder.Status{},
	}
}

// render returns both forms of a report.
func render(t *testing.T, f *device.Figures) (document, metrics string) {
	t.Helper()
	r := status.NewReport(*f, time.Time{}, now)
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := r.WriteMetrics(&text); err != nil {
		t.Fatal(err)
	}
	return string(b), text.String()
}

// leaves calls f with each field below v that is not a struct of fields to show, its
// path, and a function that gives it a value.
func leaves(v reflect.Value, path string, f func(path string, set func())) {
	main := &kvsmedia.Track{Codec: kvsmedia.H264, Name: "main"}
	relay := signaling.Candidate{Type: "relay"}
	values := map[reflect.Type]any{
		reflect.TypeFor[error]():                   errors.New("the reason"),
		reflect.TypeFor[time.Time]():               now.Add(-time.Hour),
		reflect.TypeFor[*kvsmedia.Track]():         main,
		reflect.TypeFor[signaling.Peer]():          signaling.Peer{ID: "viewer-1"},
		reflect.TypeFor[signaling.ConnectReport](): signaling.ConnectReport{Selected: &signaling.CandidatePair{Local: relay}},
	}
	if value, ok := values[v.Type()]; ok {
		f(path, func() { v.Set(reflect.ValueOf(value)) })
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			leaves(v.Field(i), path+"."+v.Type().Field(i).Name, f)
		}
	case reflect.Slice:
		leaves(v.Index(0), path, f)
	case reflect.Pointer:
		leaves(v.Elem(), path, f)
	case reflect.Bool:
		f(path, func() { v.SetBool(true) })
	case reflect.Uint8:
		f(path, func() { v.SetUint(1) })
	case reflect.Int, reflect.Int64:
		f(path, func() { v.SetInt(1_000_000) })
	case reflect.Float64:
		f(path, func() { v.SetFloat(0.5) })
	case reflect.String:
		f(path, func() { v.SetString("said") })
	default:
		f(path+" of a new kind", func() {})
	}
}

// Every field of camera.Status, kvsmedia.Stats, recorder.Status and the device's figures changes the JSON, and
// the metrics unless it is a name.
func TestEverything(t *testing.T) {
	count := 0
	names := map[string]bool{ // of the channel, of who watches, of the card: they are no numbers
		".Channel": true, ".Camera.Viewers.Peer": true, ".Clips.Card": true,
	}
	var paths []string
	leaves(reflect.ValueOf(figures()).Elem(), "", func(path string, _ func()) { paths = append(paths, path) })
	document, metrics := render(t, figures())
	for _, path := range paths {
		if path == ".Camera.Tracks.Track" || path == ".Source.Track" { // tells tracks apart
			continue
		}
		f := figures()
		leaves(reflect.ValueOf(f).Elem(), "", func(p string, set func()) {
			if p == path {
				set()
			}
			if strings.HasSuffix(path, ".Mean") && p == strings.TrimSuffix(path, ".Mean")+".Count" {
				set() // the sum is of that many
			}
		})
		d, m := render(t, f)
		if count++; d == document {
			t.Errorf("/status does not tell%s", path)
		}
		if m == metrics != names[path] {
			t.Errorf("/metrics: the same with and without%s: %v", path, m == metrics)
		}
	}
	if count < 60 {
		t.Errorf("%d fields: the test does not see them", count)
	}
}

// Names of the JSON are in camel case, with the unit of what is no count.
func TestNames(t *testing.T) {
	camel := regexp.MustCompile(`^[a-z]+([A-Z][a-z]+)*$`)
	units := regexp.MustCompile(`(Seconds|PerSecond|Ratio)$`)
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(v reflect.Type) {
		for v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice {
			v = v.Elem()
		}
		if v == reflect.TypeFor[time.Duration]() {
			t.Error("a time.Duration, which JSON has in nanoseconds")
		}
		if v.Kind() != reflect.Struct || v == reflect.TypeFor[time.Time]() || seen[v] {
			return
		}
		seen[v] = true
		for i := range v.NumField() {
			f := v.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !camel.MatchString(name) || units.MatchString(name) != (f.Type.Kind() == reflect.Float64) {
				t.Errorf("%v.%s is %q in the JSON", v, f.Name, name)
			}
			walk(f.Type)
		}
	}
	walk(reflect.TypeFor[status.Report]())
	if len(seen) < 12 {
		t.Errorf("%d types: the test does not see them", len(seen))
	}
}

// What took how long is told in seconds, what a path carries in bit/s, and only a picture is
// joinable.
func TestUnits(t *testing.T) {
	f := figures()
	f.Camera.Tracks = append(f.Camera.Tracks, camera.TrackStatus{Track: &kvsmedia.Track{Codec: kvsmedia.Opus, Name: "audio"}})
	v := &f.Camera.Viewers[0]
	v.Path.Bitrate = 8_000_000
	v.Report = signaling.ConnectReport{Peer: signaling.Peer{ID: "viewer-1"}, Unusable: 2, Phases: []signaling.Phase{{Name: "ice", Start: time.Second, Took: 2_857_809}}}
	document, metrics := render(t, f)
	for _, want := range []string{`"phases":[{"name":"ice","startSeconds":1,"tookSeconds":0.002857809}]`, `"bitsPerSecond":8000000,`, `"unusableCandidates":2,`, `"kind":"video"`, `"kind":"audio"`} {
		if !strings.Contains(document, want) {
			t.Errorf("/status lacks %s: %s", want, document)
		}
	}
	if !strings.Contains(metrics, "\nsmartcam_viewers_bytes_per_second 1e+06\n") || strings.Count(metrics, "\nsmartcam_track_joinable{") != 1 {
		t.Errorf("/metrics:\n%s", metrics)
	}
}

// Prometheus's own parser reads the metrics, and finds the conventions kept.
func TestMetrics(t *testing.T) {
	f := figures()
	f.Camera.Tracks[0].Track.Name = "the \"main\"\\\npicture\xff"
	leaves(reflect.ValueOf(f).Elem(), "", func(path string, set func()) {
		if !strings.HasSuffix(path, ".Track") {
			set()
		}
	})
	_, text := render(t, f)
	var parser expfmt.TextParser
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for name, family := range families {
		counter := family.GetType().String() == "COUNTER"
		if family.GetHelp() == "" || !strings.HasPrefix(name, "smartcam_") || strings.HasSuffix(name, "_total") != counter ||
			family.GetType().String() == "UNTYPED" || len(family.GetMetric()) == 0 {
			t.Errorf("%s %s: help %q, %d samples", family.GetType(), name, family.GetHelp(), len(family.GetMetric()))
		}
		for _, unit := range []string{"milli", "kilo", "minute", "bits"} {
			if strings.Contains(name, unit) {
				t.Errorf("%s is not in base units", name)
			}
		}
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "track" && l.GetValue() != "the \"main\"\\\npicture\uFFFD" {
					t.Errorf("%s of track %q", name, l.GetValue())
				}
				if strings.Contains(l.GetValue(), "viewer-1") || strings.Contains(l.GetValue(), "said") {
					t.Errorf("%s has a label that a viewer chose: %s", name, l.GetValue())
				}
			}
		}
	}
	if got := families["smartcam_recording_ack_seconds"].GetMetric()[0].GetSummary(); got.GetSampleCount() != 1_000_000 || got.GetSampleSum() != 1000 {
		t.Errorf("acknowledgements: %v", got)
	}
}

// The storage is in one of its states, all of which the metrics have.
func TestStorageStates(t *testing.T) {
	for s := recorder.Storage(0); !strings.HasPrefix(s.String(), "Storage("); s++ {
		f := figures()
		f.Clips.Storage = s
		_, metrics := render(t, f)
		states := regexp.MustCompile(`(?m)^smartcam_clips_storage{state="(.*)"} (.)$`).FindAllStringSubmatch(metrics, -1)
		if on := slices.DeleteFunc(slices.Clone(states), func(m []string) bool { return m[2] == "0" }); len(on) != 1 || on[0][1] != s.String() {
			t.Errorf("%v: %q", s, states)
		}
	}
}

// The number of metrics does not grow with the viewers.
func TestCardinality(t *testing.T) {
	f := figures()
	_, one := render(t, f)
	for range 99 {
		f.Camera.Viewers = append(f.Camera.Viewers, camera.Viewer{Peer: signaling.Peer{ID: strings.Repeat("x", len(f.Camera.Viewers))}})
	}
	_, many := render(t, f)
	if strings.Count(one, "\n") != strings.Count(many, "\n") {
		t.Errorf("%d lines with one viewer, %d with a hundred", strings.Count(one, "\n"), strings.Count(many, "\n"))
	}
}
