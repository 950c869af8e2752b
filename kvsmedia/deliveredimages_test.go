package kvsmedia_test

import (
	"slices"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

func TestReadDeliveredImage(t *testing.T) {
	i, err := kvsmedia.ReadDeliveredImage("door/image_1.jpg", map[string]string{
		"aws_kinesisvideo_fragment_number": "91343852333181432392682062684027720703601305850", "Aws_kinesisvideo_producer_timestamp": "1796040022000",
		"aws_kinesisvideo_server_timestamp": "1796040023000", "eventid": "01KB1,01KB2", "kind": "person",
	})
	if err != nil || i.Key != "door/image_1.jpg" || i.Fragment == "" || !i.Time.Equal(time.UnixMilli(1796040022000)) || !slices.Equal(i.Events, []string{"01KB1", "01KB2"}) {
		t.Errorf("%+v %v", i, err)
	}
	for _, metadata := range []map[string]string{nil, {"eventid": "1"}, {"aws_kinesisvideo_fragment_number": "1"},
		{"aws_kinesisvideo_fragment_number": "1", "aws_kinesisvideo_producer_timestamp": "now"}} {
		if i, err := kvsmedia.ReadDeliveredImage("door/1.jpg", metadata); err == nil {
			t.Errorf("%v: %+v", metadata, i)
		}
	}
}

func TestNearestImage(t *testing.T) {
	moment := time.UnixMilli(1796040022000)
	at := func(ms int, events ...string) kvsmedia.DeliveredImage {
		return kvsmedia.DeliveredImage{Time: moment.Add(time.Duration(ms) * time.Millisecond), Events: events}
	}
	for name, c := range map[string]struct {
		images []kvsmedia.DeliveredImage
		want   int
	}{
		"none":                         {nil, -1},
		"of another event":             {[]kvsmedia.DeliveredImage{at(0, "other")}, -1},
		"the empty porch":              {[]kvsmedia.DeliveredImage{at(-100, "e"), at(900, "e")}, 1},
		"the nearest after it":         {[]kvsmedia.DeliveredImage{at(3000, "e"), at(1000, "x", "e"), at(2000, "e")}, 1},
		"at the moment":                {[]kvsmedia.DeliveredImage{at(0, "e"), at(1, "e")}, 0},
		"only of before":               {[]kvsmedia.DeliveredImage{at(-3000, "e"), at(-1000, "e"), at(-2000, "e")}, 1},
		"one after it, far, and other": {[]kvsmedia.DeliveredImage{at(-1, "e"), at(10, "other"), at(9000, "e")}, 2},
	} {
		if got := kvsmedia.NearestImage(c.images, "e", moment); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
