package catalog

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestIDs(t *testing.T) {
	var g IDs
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	last := ID{}
	for i, at := range []time.Time{{}, {}, now, now, now.Add(-time.Hour), {}, now.Add(time.Hour), time.Unix(1<<60, 0)} {
		id := g.New(at)
		if id.String() <= last.String() {
			t.Errorf("%d: %v does not follow %v", i, id, last)
		}
		back, err := ParseID(strings.ToLower(id.String()))
		if err != nil || back != id || len(id.String()) != 26 {
			t.Errorf("%v is read as %v, %v", id, back, err)
		}
		last = id
	}
	if got := (ID{0x01, 0x56, 0x3e, 0x3a, 0xb5, 0xd3, 0xd6, 0x76, 0x4c, 0x61, 0xef, 0xb9, 0x93, 0x02, 0xbd, 0x5b}).String(); got != "01ARZ3NDEKTSV4RRFFQ69G5FAV" && len(got) != 26 {
		t.Error(got)
	}
	if id, err := ParseID("01ARZ3NDEKTSV4RRFFQ69G5FAV"); err != nil || id[0] != 0x01 || id[1] != 0x56 {
		t.Errorf("the example of the specification is %x, %v", id, err)
	}
	for _, s := range []string{"", "81ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAU", strings.Repeat("0", 27)} {
		if _, err := ParseID(s); err == nil {
			t.Errorf("%q is taken as a ULID", s)
		}
	}
}

func TestReceipts(t *testing.T) {
	number := func(i int) string { return fmt.Sprintf("9134385233318143239268206260774392014%010d", i) }
	want := []Receipt{
		{From: 0, To: 3, Start: 0, End: 8 * time.Second, Bytes: 4_000_000, Number: number(1), Run: number(1)},
		{From: 4, To: 4, Start: 8 * time.Second, End: 10 * time.Second, Bytes: 7, Number: number(2), Run: number(1)},
		{From: 5, To: 5, Err: "refused"},
		{From: 6, To: 6, Err: "refused"},
		{From: 7, To: 9, Number: "not-a-number", Run: "00012"},
	}
	var p Receipts
	for _, r := range want {
		p = p.add(r)
	}
	if got := slices.Collect(p.All()); !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
	if n := len(p); n > 110 {
		t.Errorf("%d bytes for five receipts", n)
	}
	if !p.Covers(0, 9) || p.Covers(9, 10) || !p.Covers(3, 2) {
		t.Error("Covers is wrong")
	}
	if again := p.add(Receipt{From: 0, To: 3, Number: number(9), Run: number(9)}); !slices.Equal(again, p) {
		t.Error("a fragment that is stored got another number")
	}
	later := p.add(Receipt{From: 5, To: 5, Number: number(3), Run: number(3)})
	state := make([]outcome, 2)
	if later.mark(5, state); state[0] != stored || state[1] != refused {
		t.Error("a fragment that was refused cannot be stored")
	}
}

// TestReceiptsBound: whatever comes, the receipts of a file stay small, none that is stored is
// forgotten, and one that was refused never becomes stored.
func TestReceiptsBound(t *testing.T) {
	for _, every := range []int{0, 1, 2, 300} {
		var p Receipts
		const n = 1700
		for i := range n {
			r := Receipt{From: int32(i), To: int32(i), Start: millis(int64(i)), End: millis(int64(i) + 1), Bytes: 9, Number: fmt.Sprintf("9134385233318143239268206260774392014%010d", i), Run: "1"}
			if every > 0 && i%every == 0 {
				r = Receipt{From: int32(i), To: int32(i), Err: fmt.Sprint(i, strings.Repeat("é", 300))}
			}
			if p = p.add(r); len(p) > maxReceipts {
				t.Fatalf("%d bytes after %d receipts", len(p), i)
			}
		}
		state := make([]outcome, n)
		p.mark(0, state)
		for i, s := range state {
			if is := every > 0 && i%every == 0; is && s == stored || !is && s == refused || every != 2 && every != 1 && s == waiting {
				t.Fatalf("every %d: cluster %d is %d", every, i, s)
			}
		}
	}
}

func FuzzReceipts(f *testing.F) {
	f.Add([]byte(Receipts{}.add(Receipt{From: 1, To: 2, Number: "123", Run: "4"}).add(Receipt{From: 3, To: 3, Err: "x"})))
	f.Fuzz(func(t *testing.T, b []byte) {
		for r := range Receipts(b).All() {
			if r.From < 0 || r.To < r.From || r.Bytes < 0 || r.End < r.Start || len(r.Err) > maxReason || len(r.Number) > 400 {
				t.Errorf("%+v", r)
			}
		}
		Receipts(b).Covers(0, 100)
	})
}

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
		if _, ok := parseName(name); ok {
			t.Errorf("%q is taken for ours", name)
		}
	}
	if seq, ok := parseName("0000012a.mkv"); !ok || seq != 0x12a {
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
	if long.Check() != nil || len(headerEvent(long)) > maxHeader || parseEvent(headerEvent(long), ID{}).Type != long.Type {
		t.Error("the longest event does not fit into a header")
	}
	long.Tags["5"] = ""
	if long.Check() == nil || (Event{Type: strings.Repeat("x", maxType+1)}).Check() == nil || (Event{Type: "\xff"}).Check() == nil {
		t.Error("an event out of bounds is taken")
	}
}
