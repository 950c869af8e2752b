package main

import (
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/examples/program"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Media that is stored twice, as a whole or in part, is as long as if it were stored
// once.
func TestTable(t *testing.T) {
	at := time.Date(2026, 5, 14, 18, 30, 0, 0, time.UTC)
	var all []kvsmedia.FragmentInfo
	for _, f := range []struct{ start, length time.Duration }{
		{0, 2 * time.Second}, {0, 2 * time.Second}, {500 * time.Millisecond, time.Second}, // within the first
		{1500 * time.Millisecond, time.Second}, // half of it is new
		{10 * time.Second, 2 * time.Second},
	} {
		all = append(all, kvsmedia.FragmentInfo{ProducerTime: at.Add(f.start), Length: f.length, Bytes: 1_000_000})
	}
	var out strings.Builder
	if err := (terminal{program.Console{Out: &out}}).table(all); err != nil || !strings.HasSuffix(out.String(), "\n5 fragments, 4.5s of media, 5.0 MB\n") || strings.Count(out.String(), "nothing") != 1 {
		t.Errorf("%v\n%s", err, &out)
	}
}
