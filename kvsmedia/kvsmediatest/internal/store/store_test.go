package store

import (
	"errors"
	"os"
	"path/filepath"
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

// What a deletion that was cut short has left is of no later stream of the name.
func TestDeletionCutShort(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), Now: time.Now}
	open := func() *Store {
		s, err := Open(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	create := func(s *Store) {
		if _, err := s.Create(Description{Name: "door", RetentionHours: 1}); err != nil {
			t.Fatal(err)
		}
	}
	s := open()
	create(s)
	now := time.Now()
	f := &Fragment{Number: "1", Producer: now, Server: now, Archived: true, Header: 1, Cluster: 1}
	dir := s.streamDir("door")
	fragment, description := filepath.Join(dir, f.fileName()), filepath.Join(dir, streamFile)
	if err := errors.Join(os.WriteFile(fragment, []byte{1, 2}, 0o600), os.Remove(description), os.MkdirAll(filepath.Join(description, "in the way"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if err := s.removeDir("door"); err == nil {
		t.Error("a description was removed that cannot be")
	}
	if _, err := os.Stat(fragment); err != nil {
		t.Errorf("a fragment went before the description: %v", err)
	}
	if err := os.RemoveAll(description); err != nil {
		t.Fatal(err)
	}
	create(open())
	if n := len(open().Stream("door").Fragments()); n > 0 {
		t.Errorf("the new stream has %d fragments of the old one", n)
	}
}

// Fragments stay in the order in which they came when the clock is set back in between.
func TestOrderAndAClockSetBack(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), Now: time.Now}
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	st, err := s.Create(Description{Name: "door", RetentionHours: 24})
	if err != nil {
		t.Fatal(err)
	}
	var came []string
	for _, ahead := range []time.Duration{time.Hour, 0} {
		now := time.Now().Add(ahead)
		f := &Fragment{Number: st.NextNumber(now), Producer: now, Server: now, Archived: true, Header: 1, Cluster: 1}
		in, err := st.Begin(true)
		if err == nil {
			err = errors.Join(in.Write([]byte{1, 2}), in.Finish(f))
		}
		if err != nil || !st.Keep(f) {
			t.Fatal(err)
		}
		came = append(came, f.Number)
	}
	if s, err = Open(cfg); err != nil {
		t.Fatal(err)
	}
	for i, f := range s.Stream("door").Fragments() {
		if f.Number != came[i] {
			t.Errorf("fragment %d is %s, want %s", i, f.Number, came[i])
		}
	}
}
