package receipt

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestReceipts(t *testing.T) {
	number := func(i int) string { return fmt.Sprintf("9134385233318143239268206260774392014%010d", i) }
	want := []Receipt{
		{From: 0, To: 3, Start: 0, End: 8 * time.Second, Bytes: 4_000_000, Number: number(1), Run: number(1)},
		{From: 4, To: 4, Start: 8 * time.Second, End: 10 * time.Second, Bytes: 7, Number: number(2), Run: number(1)},
		{From: 5, To: 5, Err: "refused"},
		{From: 6, To: 6, Err: "refused"},
		{From: 7, To: 9, Number: "not-a-number", Run: "00012"},
	}
	var p List
	for _, r := range want {
		p = p.Add(r)
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
	if again := p.Add(Receipt{From: 0, To: 3, Number: number(9), Run: number(9)}); !slices.Equal(again, p) {
		t.Error("a fragment that is stored got another number")
	}
	later := p.Add(Receipt{From: 5, To: 5, Number: number(3), Run: number(3)})
	state := make([]Outcome, 2)
	if later.Mark(5, state); state[0] != Stored || state[1] != Refused {
		t.Error("a fragment that was refused cannot be stored")
	}
}

// TestAppend: a list to which receipts are appended is the one that they are packed into, and one
// that is damaged goes on with what can be read of it.
func TestAppend(t *testing.T) {
	var p List
	var all []Receipt
	for i := range int32(200) {
		r := Receipt{From: i, To: i, Bytes: int64(i), Number: fmt.Sprint(1000 + i), Run: fmt.Sprint(1000 + i/7*7)}
		switch {
		case i%13 == 0:
			r.Number, r.Run = "", ""
			r.Err = fmt.Sprint("refused ", i/39)
		case i%17 == 0:
			r.Number, r.Run = "a text", "another"
		}
		all = append(all, r)
		p = p.Add(r)
		if !slices.Equal(p, pack(all)) {
			t.Fatalf("%d receipts: %d bytes, packed %d", i+1, len(p), len(pack(all)))
		}
	}
	harmed := append(p[:len(p)-1:len(p)-1], 0xff)
	r := Receipt{From: 500, To: 500, Number: "5", Run: "5"}
	if got := slices.Collect(harmed.Add(r).All()); len(got) < len(all) || got[len(got)-1] != r {
		t.Errorf("%d receipts, the last one is %+v", len(got), got[len(got)-1])
	}
	if got := slices.Collect(p[:len(p)-1].Add(r).All()); len(got) != len(all) || got[len(got)-1] != r {
		t.Errorf("%d receipts, the last one is %+v", len(got), got[len(got)-1])
	}
}

// TestReceiptsBound: whatever comes, the receipts of a file stay small, none that is stored is
// forgotten, and one that was refused never becomes stored.
func TestReceiptsBound(t *testing.T) {
	for _, every := range []int{0, 1, 2, 300} {
		var p List
		const n, most = 700, 16 << 10
		for i := range n {
			r := Receipt{From: int32(i), To: int32(i), Start: millis(int64(i)), End: millis(int64(i) + 1), Bytes: 9, Number: fmt.Sprintf("9134385233318143239268206260774392014%010d", i), Run: "1"}
			if every > 0 && i%every == 0 {
				r = Receipt{From: int32(i), To: int32(i), Err: fmt.Sprint(i, strings.Repeat("é", 300))}
			}
			if p = p.add(r, most); len(p) > most {
				t.Fatalf("%d bytes after %d receipts", len(p), i)
			}
		}
		state := make([]Outcome, n)
		p.Mark(0, state)
		for i, s := range state {
			if is := every > 0 && i%every == 0; is && s == Stored || !is && s == Refused || every != 2 && every != 1 && s == Waiting {
				t.Fatalf("every %d: cluster %d is %d", every, i, s)
			}
		}
	}
}

// TestReceiptsOfAnHour: of a clip of an hour with a fragment a second each has its own.
func TestReceiptsOfAnHour(t *testing.T) {
	var all []Receipt
	for i := range 3600 {
		r := Receipt{From: int32(i), To: int32(i), Start: millis(int64(i) * 1000), End: millis(int64(i)*1000 + 1000), Bytes: 500_000}
		r.Number, r.Run = fmt.Sprintf("9134385233318143239268206260774392014%010d", i), fmt.Sprintf("9134385233318143239268206260774392014%010d", i/2400)
		all = append(all, r)
	}
	if got := slices.Collect(pack(all[:3599]).Add(all[3599]).All()); !slices.Equal(got, all) {
		t.Errorf("%d receipts became %d", len(all), len(got))
	}
}

func FuzzReceipts(f *testing.F) {
	f.Add([]byte(List{}.Add(Receipt{From: 1, To: 2, Number: "123", Run: "4"}).Add(Receipt{From: 3, To: 3, Err: "x"})))
	f.Fuzz(func(t *testing.T, b []byte) {
		for r := range List(b).All() {
			if r.From < 0 || r.To < r.From || r.Bytes < 0 || r.End < r.Start || len(r.Err) > maxReason || len(r.Number) > 400 {
				t.Errorf("%+v", r)
			}
		}
		List(b).Covers(0, 100)
	})
}
