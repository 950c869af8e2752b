package motion

import (
	"encoding/gob"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

type stored2 struct {
	PTS   time.Duration
	Key   bool
	Data  []byte
	Codec kvsmedia.Codec
}

func TestDump(t *testing.T) {
	f, err := os.Open("/tmp/motion/" + os.Getenv("CLIP"))
	if err != nil {
		t.Fatal(err)
	}
	var list []stored2
	if err := gob.NewDecoder(f).Decode(&list); err != nil {
		t.Fatal(err)
	}
	d, _ := New(Config{})
	tr := &kvsmedia.Track{Codec: list[0].Codec}
	e := newEye(d, tr)
	for i, s := range list {
		e.see(&kvsmedia.Frame{Track: tr, PTS: s.PTS, Key: s.Key, Data: s.Data})
		st := &e.strips[0]
		if len(e.slices) == 0 {
			fmt.Println("none")
			continue
		}
		if i < 900 {
			fmt.Printf("%6.2f key %v n %d kind %d/%d bytes %6d qp %d x %.2f ph %.2f smooth %.2f mid %.2f spread %.3f level %.2f\n", s.PTS.Seconds(), s.Key, len(e.slices), e.slices[0].Kind, e.slices[0].Layer, e.slices[0].Bytes, e.slices[0].QP, e.weigh(0, 1), func() float64 { a, _ := st.sensor.phases.level(e.since, e.weigh(0, 1)); return a }(), st.sensor.spans[0].smooth, st.sensor.spans[0].usual.middle, st.sensor.spans[0].usual.spread, st.level)
		}
	}
}
