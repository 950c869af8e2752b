package catalog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

func TestClock(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	var k clock
	up := time.Duration(0)
	run := func(d time.Duration, offset time.Duration) {
		for end := up + d; up < end; up += time.Minute {
			k.set(now.Add(up+offset), up)
		}
	}
	k.set(time.Time{}, 0)
	k.set(time.Unix(100, 0), 0)
	k.set(time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC), 0)
	if k.known || k.time(0) != 0 {
		t.Error("1970 and 2500 are taken for the time")
	}
	run(61*time.Minute, 0)
	if !k.steady() {
		t.Error("an hour without a step is not steady")
	}
	run(time.Minute, 59*time.Second)
	if !k.steady() {
		t.Error("59 s are taken for a step")
	}
	for _, offset := range []time.Duration{2 * time.Hour, -30 * 365 * 24 * time.Hour, 0, -61 * time.Second} {
		run(time.Minute, offset)
		if k.steady() {
			t.Errorf("a step to %v is none", offset)
		}
		run(59*time.Minute, offset)
		if k.steady() {
			t.Errorf("steady less than an hour after a step to %v", offset)
		}
	}
	run(2*time.Hour, -61*time.Second)
	for i := range 600 { // 500 ppm for ten hours
		run(time.Minute, -61*time.Second+time.Duration(i)*30*time.Millisecond)
	}
	if !k.steady() {
		t.Error("slewing is taken for a step")
	}
	k.set(time.Time{}, up)
	if k.steady() {
		t.Error("a clock that is not known is steady")
	}
}

// TestPlace: whatever is there, a new file overlaps none, and moves only as far as it must.
func TestPlace(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var taken []stretch
		for range r.IntN(12) {
			from := r.Int64N(1000)
			taken = append(taken, stretch{from, from + r.Int64N(100)})
		}
		want, length := r.Int64N(1000), r.Int64N(100)
		free := func(at int64) bool {
			return !slices.ContainsFunc(taken, func(s stretch) bool { return at < s.to && at+length > s.from })
		}
		got := place(want, millis(length), slices.Clone(taken))
		if !free(got) || got < want || got > want && free(want) {
			t.Fatalf("%d ms from %d among %v: got %d", length, want, taken, got)
		}
		if got > want && !slices.ContainsFunc(taken, func(s stretch) bool { return s.to == got }) {
			t.Fatalf("%d is not right behind an older file", got)
		}
	}
}

func TestAges(t *testing.T) {
	// A clock that was behind (5), not known (0), and ahead (99) does not make clips old.
	got := ages([]int64{10, 5, 0, 99, 20, 12}, 50)
	if want := []int64{10, 10, 0, 0, 20, 20}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestChoose(t *testing.T) {
	units := []unit{
		{seq: 1, bytes: 10, clips: 1, waiting: true},
		{seq: 2, bytes: 10, clips: 1, protected: true},
		{seq: 3, bytes: 10, clips: 1},
		{seq: 4, bytes: 10},
		{seq: 5, bytes: 10, clips: 1, busy: true},
		{seq: 6, bytes: 10, clips: 1},
	}
	for _, tt := range []struct {
		bytes int64
		clips int
		want  string
	}{
		{0, 0, "[]"}, {1, 0, "[3]"}, {10, 0, "[3]"}, {11, 0, "[3 4]"}, {31, 0, "[3 4 6 1]"},
		{41, 0, "[3 4 6 1 2]"}, {1000, 0, "[3 4 6 1 2]"}, {0, 2, "[3 6]"}, {-5, 3, "[3 6 1]"},
	} {
		var got []uint64
		for _, u := range choose(units, tt.bytes, tt.clips) {
			got = append(got, u.seq)
		}
		if fmt.Sprint(got) != tt.want {
			t.Errorf("%d bytes, %d clips: %v go, want %s", tt.bytes, tt.clips, got, tt.want)
		}
	}
	var old []uint64
	for _, u := range expired(units, []int64{5, 5, 0, 6, 6, 90}, 100, 50) {
		old = append(old, u.seq)
	}
	if fmt.Sprint(old) != "[1 4]" {
		t.Errorf("%v are too old, want 1 and 4", old)
	}
}

func TestNames(t *testing.T) {
	f := File{Seq: 0x12a, Day: 20787}
	if f.Name() != "2026-11-30/0000012a.mkv" || (&File{Seq: 1}).Name() != "1970-01-01/00000001.mkv" {
		t.Error(f.Name())
	}
	for _, name := range []string{"12a.mkv", "0000012A.mkv", "0000012a.mkv.tmp", "00000000012a.mkv", "0000012a (1).mkv", "-000012a.mkv"} {
		if _, _, ok := parseName(name); ok {
			t.Errorf("%q is taken for ours", name)
		}
	}
	if seq, picture, ok := parseName("0000012a.jpg"); !ok || !picture || seq != 0x12a {
		t.Error(seq, picture, ok)
	}
	if seq, picture, ok := parseName("0000012a.mkv"); !ok || picture || seq != 0x12a {
		t.Error(seq)
	}
	if day, ok := parseFolder("2026-11-30"); !ok || day != 20787 {
		t.Error(day)
	}
	if _, ok := parseFolder("2026-11-31"); ok {
		t.Error("no day is a folder")
	}
}

// TestRecords: what this version does not know in a record stays in it, and bounds hold.
func TestRecords(t *testing.T) {
	b := []byte(`{"v":1,"kind":"file","seq":7,"day":20787,"clusters":2147483647,"later":{"a":[1]},"base":-5}`)
	var r fileRecord
	extra, err := decode(b, &r)
	if err != nil {
		t.Fatal(err)
	}
	f := file{File: r.file(), record: record{extra: extra}}
	if f.Clusters != maxClusters || f.Base != 0 {
		t.Errorf("%+v", f.File)
	}
	if got := string(f.encode()); !strings.Contains(got, `,"later":{"a":[1]}}`) {
		t.Error(got)
	}
	if s := cut(strings.Repeat("é", 200), 101); len(s) != 100 {
		t.Errorf("%q", s)
	}
	long := Event{Type: strings.Repeat("x", maxType), Tags: map[string]string{}}
	for i := range maxTags {
		long.Tags[fmt.Sprint(i)] = strings.Repeat("y", maxTagValue)
	}
	if long.Check() != nil || len(headerEvent(long, maxHeader)) > maxHeader || parseEvent(headerEvent(long, maxHeader), ulid.ID{}).Type != long.Type {
		t.Error("the longest event does not fit into a header")
	}
	long.Tags["5"] = ""
	if long.Check() == nil || (Event{Type: strings.Repeat("x", maxType+1)}).Check() == nil || (Event{Type: "\xff"}).Check() == nil {
		t.Error("an event out of bounds is taken")
	}
}
