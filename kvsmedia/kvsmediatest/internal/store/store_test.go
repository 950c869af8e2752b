package store

import (
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Numbers go on growing after a restart, and have the server's time in them.
func TestNumbersGrow(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), ARNPrefix: "arn:", Now: time.Now}
	var last string
	for restart := range 3 {
		s, err := Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		st := s.Stream("door")
		if st == nil {
			if st, err = s.Create(Description{Name: "door", RetentionHours: 1}); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(st.Fragments()); n != 2*restart {
			t.Errorf("%d fragments are kept, %d were stored", n, 2*restart)
		}
		for range 2 {
			now := time.Now().Truncate(time.Millisecond)
			f := &Fragment{Number: st.NextNumber(now), Producer: now, Server: now, Archived: true, Header: 1, Cluster: 1}
			if len(f.Number) != 47 || f.Number <= last {
				t.Errorf("%s after %s", f.Number, last)
			}
			last = f.Number
			in, err := st.Begin(true)
			if err != nil {
				t.Fatal(err)
			}
			if err := in.Write([]byte{1, 2}); err != nil {
				t.Fatal(err)
			}
			if err := in.Finish(f); err != nil || !st.Keep(f) {
				t.Fatal(err)
			}
		}
	}
	for _, number := range []string{"", "x", "-1", "91", "91343852333181432392682062607743920146264440821000"} {
		if n := countOf(number); n != 0 {
			t.Errorf("the count of %q is %d", number, n)
		}
	}
}
