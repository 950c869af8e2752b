package catalog_test

import (
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/picture"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// TestPictureOutlivesTheJournal: pictures are found again by their files, with events that
// nothing else knows of, and a clip without media.
func TestPictureOutlivesTheJournal(t *testing.T) {
	for name, kind := range kindsOfCards {
		t.Run(name, func(t *testing.T) {
			d := newDevice(t, kind)
			d.mustOpen()
			clip, first := d.photo(3, "door/1.jpg")
			second := catalog.Event{ID: d.cat.NewID(), Type: "person", Picture: catalog.Picture{Given: true}}
			if err := d.cat.AddEvent(clip, second); err != nil {
				t.Fatal(err)
			}
			if err := d.keep(clip, second.ID); err != nil {
				t.Fatal(err)
			}
			bare, third := d.photo(0, "door/3.jpg")
			if err := d.cat.Close(); err != nil {
				t.Fatal(err)
			}
			d.wreck("journal", "smartcam.slot")
			r := d.reopen()
			if len(r.TakenIn) != 4 {
				t.Errorf("%+v", r)
			}
			v, ok := d.cat.Clip(clip)
			if !ok || len(v.Events) != 2 || v.Events[1].Type != "person" || v.Events[0].Picture.Key != "door/1.jpg" || !d.seen(v, first) || !d.seen(v, second.ID) {
				t.Errorf("%+v", v)
			}
			v, ok = d.cat.Clip(bare)
			if !ok || len(v.Events) != 1 || v.Events[0].ID != third || v.Events[0].Type != "motion" || !d.seen(v, third) || !v.Ended {
				t.Errorf("%+v", v)
			}
			if list := d.cat.Waiting(); len(list) != 2 || list[0].Key != "door/1.jpg" || list[1].Key != "door/3.jpg" {
				t.Errorf("%+v", list)
			}
		})
	}
}

// TestPicturesGo: with their clips, the ones that were put first; and each says why it went.
func TestPicturesGo(t *testing.T) {
	d := newDevice(t, 0)
	d.opt.Upload = false
	d.mustOpen()
	waiting, e1 := d.photo(3, "door/1.jpg")
	put, e2 := d.photo(3, "door/2.jpg")
	local, e3 := d.photo(3, "")
	bare, e4 := d.photo(0, "door/4.jpg")
	d.cat.PutPicture(put, e2)
	used := d.cat.Used()
	evict := func() {
		t.Helper()
		if _, _, err := d.cat.Evict(d.cat.Used()-1, 0); err != nil {
			t.Fatal(err)
		}
	}
	of := func(clip, event ulid.ID) (catalog.Picture, bool) {
		v, _ := d.cat.Clip(clip)
		if len(v.Events) == 0 {
			return catalog.Picture{}, false
		}
		return v.Events[0].Picture, d.seen(v, event)
	}
	evict()
	if p, has := of(put, e2); has || !p.Put || p.Err != "" {
		t.Errorf("%+v %v", p, has)
	}
	evict()
	if p, has := of(local, e3); has || p.Err != catalog.Evicted {
		t.Errorf("%+v %v", p, has)
	}
	if p, has := of(waiting, e1); !has || p.Err != "" {
		t.Errorf("%+v %v", p, has)
	}
	evict()
	if p, has := of(waiting, e1); has || p.Err != catalog.Evicted {
		t.Errorf("%+v %v", p, has)
	}
	evict()
	if p, has := of(bare, e4); has || p.Err != catalog.Evicted {
		t.Errorf("%+v %v", p, has)
	}
	for _, ch := range d.cat.Pending(1000) {
		d.cat.Published(ch)
	}
	if err := d.commit(); err != nil {
		t.Fatal(err)
	}
	if d.cat.Used() >= used/2 {
		t.Errorf("%d bytes are used, %d were", d.cat.Used(), used)
	}
	d.cut(1)
	for c := range d.cat.Clips() {
		t.Errorf("%+v", c)
	}
	if files := d.pictures(); len(files) > 0 {
		t.Errorf("%q", files)
	}
}

// TestPicturesAreDeleted: by Delete and Erase, also with Continuous, where the media stay.
func TestPicturesAreDeleted(t *testing.T) {
	d := newDevice(t, 0)
	d.mustOpen()
	clip, event := d.photo(2, "door/1.jpg")
	d.photo(2, "door/2.jpg")
	d.cat.Delete(clip)
	if _, _, err := d.cat.Evict(1<<40, 0); err != nil {
		t.Fatal(err)
	}
	if v, _ := d.cat.Clip(clip); len(v.Events) > 0 && v.Events[0].Picture.Err != catalog.Deleted || d.seen(v, event) || len(d.pictures()) != 1 {
		t.Errorf("%+v %q", v, d.pictures())
	}
	if err := d.cat.Erase(); err != nil {
		t.Fatal(err)
	}
	if files := d.pictures(); len(files) > 0 || len(d.cat.Waiting()) > 0 {
		t.Errorf("%q", files)
	}
}

// TestPicturesByAge: pictures go with the clip that they are of.
func TestPicturesByAge(t *testing.T) {
	d := newDevice(t, 0)
	d.mustOpen()
	clip := d.clip(3)
	e := catalog.Event{ID: d.cat.NewID(), Picture: catalog.Picture{Given: true}}
	event := e.ID
	if err := d.cat.AddEvent(clip, e); err != nil {
		t.Fatal(err)
	}
	if err := d.keep(clip, event); err != nil { // its file is newer than the media
		t.Fatal(err)
	}
	bare := catalog.Event{ID: d.cat.NewID(), Time: noon.UnixMilli(), Picture: catalog.Picture{Given: true}}
	without, err := d.cat.Begin(ulid.ID{}, bare) // media
	if err == nil {
		err = d.keep(without, bare.ID)
	}
	if err == nil {
		err = d.cat.End(without, "event over")
	}
	if err != nil {
		t.Fatal(err)
	}
	d.opt.Up, d.up = 0, 0
	d.opt.Now = noon.Add(100 * time.Hour)
	d.reopen()
	for up := time.Duration(0); up <= 2*time.Hour; up += time.Minute {
		d.cat.SetClock(d.opt.Now.Add(up), up)
	}
	if _, _, err := d.cat.Evict(1<<40, 50*time.Hour); err != nil {
		t.Fatal(err)
	}
	if v, _ := d.cat.Clip(clip); d.seen(v, event) || len(v.Events) > 0 && v.Events[1].Picture.Err != catalog.Expired || len(d.pictures()) > 0 {
		t.Errorf("%+v", v)
	}
}

// TestPicturesOfARecording: with Continuous, a picture goes after the media of its clip went,
// but not before it was put.
func TestPicturesOfARecording(t *testing.T) {
	for _, key := range []string{"", "door/1.jpg"} {
		d := newDevice(t, 0)
		d.opt.Upload = false
		d.mustOpen()
		s, err := d.shoot(ulid.ID{})
		if err != nil {
			t.Fatal(err)
		}
		e := catalog.Event{ID: d.cat.NewID(), Picture: catalog.Picture{Given: true, Key: key}}
		clip, err := d.cat.Begin(ulid.ID{}, e)
		for _, step := range []func() error{
			func() error { return err },
			func() error { return d.cat.SetSpan(clip, catalog.Span{File: s.seq, Last: -1, Growing: true}) },
			func() error { return d.keep(clip, e.ID) }, func() error { return s.film(3) }, s.close,
			func() error { return d.cat.End(clip, "event over") }, d.commit,
		} {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
		f, _ := d.cat.File(s.seq)
		if _, _, err := d.cat.Evict(d.cat.Used()-f.Bytes, 0); err != nil { // the media alone
			t.Fatal(err)
		}
		evict := func() {
			if _, _, err := d.cat.Evict(1<<40, 0); err != nil {
				t.Fatal(err)
			}
		}
		evict()
		v, _ := d.cat.Clip(clip)
		if left, _ := d.cat.File(s.seq); left.Closed && !left.Gone {
			t.Fatalf("the media are there: %+v", left)
		}
		if (len(d.pictures()) == 1) != (key != "") || d.seen(v, e.ID) != (key != "") {
			t.Errorf("key %q: %q %+v", key, d.pictures(), v)
		}
		d.cat.PutPicture(clip, e.ID)
		evict()
		if len(d.pictures()) > 0 {
			t.Errorf("key %q: %q", key, d.pictures())
		}
	}
}

// TestPictureLosses: somebody removes a picture, or the card damages one.
func TestPictureLosses(t *testing.T) {
	for name, harm := range map[string]func(d *device, path string) error{
		catalog.Vanished: func(d *device, path string) error { return d.fsys.Remove(path) },
		catalog.Damaged: func(d *device, path string) error {
			on, err := d.fsys.Open(path, 2)
			if err != nil {
				return err
			}
			defer on.Close()
			return on.Truncate(100)
		},
	} {
		d := newDevice(t, 0)
		d.mustOpen()
		clip, event := d.photo(2, "door/1.jpg")
		v, _ := d.cat.Clip(clip)
		path := shotOf(v, event).Name()
		if err := d.cat.Close(); err != nil {
			t.Fatal(err)
		}
		if err := harm(d, path); err != nil {
			t.Fatal(err)
		}
		r := d.reopen()
		v, _ = d.cat.Clip(clip)
		if v.Events[0].Picture.Err != name || d.seen(v, event) || !strings.Contains(kinds(r.Changes, clip), "picture") {
			t.Errorf("%s: %+v, told %v", name, v, r.Changes)
		}
		if r = d.cut(3); len(r.Changes) > 0 {
			t.Errorf("%s is told again: %v", name, r.Changes)
		}
	}
}

// TestPutAfterAll: a picture that was on its way when its clip was evicted is there.
func TestPutAfterAll(t *testing.T) {
	d := newDevice(t, 0)
	d.mustOpen()
	clip, event := d.photo(2, "door/1.jpg")
	d.cat.LosePicture(clip, event, catalog.Evicted)
	d.cat.PutPicture(clip, event)
	changes, err := d.cat.Commit()
	if v, _ := d.cat.Clip(clip); err != nil || kinds(changes, clip) != "picture " || !v.Events[0].Picture.Put || v.Events[0].Picture.Err != "" {
		t.Errorf("%v %v %+v", changes, err, v)
	}
}

// TestLongEvent: what is in front of an event's picture fits, whatever the event is like.
func TestLongEvent(t *testing.T) {
	d := newDevice(t, 0)
	d.mustOpen()
	e := catalog.Event{ID: d.cat.NewID(), Type: strings.Repeat("\x01", 64), Picture: catalog.Picture{Given: true, Key: strings.Repeat("\x01", 512)}}
	clip, err := d.cat.Begin(ulid.ID{}, e)
	if err == nil {
		err = d.keep(clip, e.ID)
	}
	if v, _ := d.cat.Clip(clip); err != nil || !d.seen(v, e.ID) {
		t.Errorf("%v %+v", err, v)
	}
}

// TestOddPictures: a whole file of nobody's, which somebody has made, is left alone.
func TestOddPictures(t *testing.T) {
	for name, o := range map[string]picture.Origin{
		"of no clip":  {Event: []byte(`{"id":"01KB0000000000000000000001"}`)},
		"of no event": {Clip: ulid.ID{1}, Event: []byte(`{"id":"00000000000000000000000000"}`)},
	} {
		d := newDevice(t, 0)
		d.mustOpen()
		d.photo(2, "")
		folder := noon.Format(time.DateOnly)
		o.Seq = 0xffffff
		if err := picture.Write(d.fsys, folder, folder+"/00ffffff.jpg", picture.File(jpegOf(ulid.ID{1}), o)); err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(2) {
			if r := d.cut(seed); r.Others != 1 || r.Clips != 1 || len(d.pictures()) != 2 {
				t.Errorf("%s: %+v %q", name, r, d.pictures())
			}
		}
	}
}

// TestForeignPictures: files with names like ours that are none are left alone.
func TestForeignPictures(t *testing.T) {
	d := newDevice(t, 0)
	d.mustOpen()
	d.photo(2, "")
	folder := noon.Format(time.DateOnly)
	for _, name := range []string{"00ffffff.jpg", "holiday.jpg"} {
		if err := picture.Write(d.fsys, folder, folder+"/"+name, jpegOf(ulid.ID{1})); err != nil {
			t.Fatal(err)
		}
	}
	r := d.cut(2)
	if r.Others != 1 || r.Foreign != 0 || len(d.pictures()) != 3 {
		t.Errorf("%+v %q", r, d.pictures())
	}
}

// TestLatePicture: a picture may come later than its event, once.
func TestLatePicture(t *testing.T) {
	d := newDevice(t, 0)
	d.mustOpen()
	e := catalog.Event{ID: d.cat.NewID(), Type: "motion"}
	clip, err := d.cat.Begin(ulid.ID{}, e)
	if err != nil {
		t.Fatal(err)
	}
	for n, key := range []string{"door/1.jpg", "door/2.jpg"} {
		e.Picture = catalog.Picture{Given: true, Key: key}
		if err := d.cat.AddEvent(clip, e); err != nil {
			t.Fatal(err)
		}
		if err := d.keep(clip, e.ID); err != nil {
			t.Fatal(err)
		}
		v, _ := d.cat.Clip(clip)
		if len(v.Events) != 1 || v.More != 0 || v.Events[0].Picture.Key != "door/1.jpg" || len(v.Pictures) != 1 || !d.seen(v, e.ID) {
			t.Errorf("%d: %+v", n, v)
		}
	}
}

// TestPictured: each decision is told once, with the state that it is about.
func TestPictured(t *testing.T) {
	d := newDevice(t, 0)
	d.mustOpen()
	clip, event := d.photo(2, "door/1.jpg")
	for range 2 {
		d.cat.PutPicture(clip, event)
	}
	d.cat.LosePicture(clip, event, "too late")
	changes, err := d.cat.Commit()
	if v, _ := d.cat.Clip(clip); err != nil || kinds(changes, clip) != "picture " || !v.Events[0].Picture.Put || v.Events[0].Picture.Err != "" || len(d.cat.Waiting()) > 0 {
		t.Errorf("%v %v %+v", changes, err, v)
	}
	for n := range 3 {
		d.cat.Imaged(clip, event, ulid.ID{9})
		if v, _ := d.cat.Clip(clip); int(v.Events[0].Images) != min(n+1, catalog.MaxImages) {
			t.Errorf("%+v", v.Events[0])
		}
	}
	d.cut(4)
	if v, _ := d.cat.Clip(clip); !v.Events[0].Picture.Put || !d.seen(v, event) {
		t.Errorf("%+v", v)
	}
}
