package ulid

import (
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
		back, err := Parse(strings.ToLower(id.String()))
		if err != nil || back != id || len(id.String()) != 26 {
			t.Errorf("%v is read as %v, %v", id, back, err)
		}
		last = id
	}
	if got := (ID{0x01, 0x56, 0x3e, 0x3a, 0xb5, 0xd3, 0xd6, 0x76, 0x4c, 0x61, 0xef, 0xb9, 0x93, 0x02, 0xbd, 0x5b}).String(); got != "01ARZ3NDEKTSV4RRFFQ69G5FAV" && len(got) != 26 {
		t.Error(got)
	}
	if id, err := Parse("01ARZ3NDEKTSV4RRFFQ69G5FAV"); err != nil || id[0] != 0x01 || id[1] != 0x56 {
		t.Errorf("the example of the specification is %x, %v", id, err)
	}
	for _, s := range []string{"", "81ARZ3NDEKTSV4RRFFQ69G5FAV", "01ARZ3NDEKTSV4RRFFQ69G5FAU", strings.Repeat("0", 27)} {
		if _, err := Parse(s); err == nil {
			t.Errorf("%q is taken as a ULID", s)
		}
	}
}
