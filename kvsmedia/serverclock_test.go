package kvsmedia

import (
	"testing"
	"time"
)

func TestServerClock(t *testing.T) {
	now := time.Now()
	for want, c := range map[time.Duration]serverClock{
		0:                 {},
		time.Hour:         {now.Add(time.Hour), now},
		-90 * time.Second: {now.Add(-2 * time.Minute), now.Add(-30 * time.Second)},
	} {
		if got := c.correction(now); (got - want).Abs() > time.Millisecond {
			t.Errorf("%v: %v, want %v", c, got, want)
		}
	}
	if got := (serverClock{now.Add(time.Second), now}).correction(now); got != 0 {
		t.Errorf("a difference of a second gives %v", got)
	}
	if got := (serverClock{now, now.Add(-2 * time.Hour)}).correction(now); got != 0 {
		t.Errorf("what was learned two hours ago gives %v", got)
	}
}
