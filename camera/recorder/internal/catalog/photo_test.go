package catalog_test

import (
	"bytes"
	"slices"
	"strings"

	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/catalog"
	"github.com/smartcam-sdk/smartcam/camera/recorder/internal/picture"
	"github.com/smartcam-sdk/smartcam/internal/ulid"
)

// jpegOf is the picture of an event.
func jpegOf(event ulid.ID) []byte {
	return slices.Concat([]byte{0xff, 0xd8, 0xff}, bytes.Repeat(event[:], 700), []byte{0xff, 0xd9})
}

// keep writes the picture of an event.
func (d *device) keep(clip, event ulid.ID) error {
	f, content, err := d.cat.NewPicture(clip, event, jpegOf(event))
	if err != nil {
		return nil // it is there, or was given up
	}
	if err := picture.Write(d.fsys, f.Folder(), f.Name(), content); err != nil {
		return err
	}
	d.cat.KeepPicture(f.Seq)
	return nil
}

// shotOf returns the file of an event's picture, nil if there is none.
func shotOf(v catalog.View, event ulid.ID) *catalog.File {
	i := slices.IndexFunc(v.Pictures, func(f catalog.File) bool { return f.Event == event && f.Closed && !f.Going })
	if i < 0 {
		return nil
	}
	return &v.Pictures[i]
}

// seen reports whether the picture of an event can be read.
func (d *device) seen(v catalog.View, event ulid.ID) bool {
	f := shotOf(v, event)
	if f == nil {
		return false
	}
	on, err := d.fsys.Open(f.Name(), 0)
	if err != nil {
		return false
	}
	defer on.Close()
	jpeg, o, err := picture.Read(on)
	return err == nil && bytes.Equal(jpeg, jpegOf(event)) && o.Seq == f.Seq && f.Bytes == int64(len(jpeg)+picture.Tail)
}

// photograph writes the picture of the clip that is being recorded.
func (m *model) photograph() error {
	v, ok := m.cat.Clip(m.open)
	if !ok || !v.Events[0].Picture.Given {
		return nil
	}
	e := v.Events[0].ID
	if err := m.keep(m.open, e); err != nil {
		return err
	}
	if v, _ := m.cat.Clip(m.open); shotOf(v, e) != nil {
		m.clips[m.open].kept[e] = true
	}
	return nil
}

// checkPictures: each event that had a picture has it, has put it, or says why not.
func (m *model) checkPictures(id ulid.ID, p *promise, v catalog.View) {
	for _, e := range v.Events {
		has := m.seen(v, e.ID)
		if e.Picture.Given && !has && !e.Picture.Put && e.Picture.Err == "" {
			m.Errorf("event %v of %v has lost its picture without a word", e.ID, id)
		}
		if shotOf(v, e.ID) != nil && !has {
			m.Errorf("the picture of %v cannot be read", e.ID)
		}
		if p.kept[e.ID] && !p.leaving && !has {
			m.Errorf("the picture of %v was on the card: %+v", e.ID, e.Picture)
		}
	}
}

// photo makes a clip of so many seconds whose event has a picture.
func (d *device) photo(seconds int, key string) (clip, event ulid.ID) {
	d.Helper()
	event = d.cat.NewID()
	clip, err := d.cat.Begin(ulid.ID{}, catalog.Event{ID: event, Type: "motion", Picture: catalog.Picture{Given: true, Key: key}})
	if err == nil {
		err = d.keep(clip, event)
	}
	if err == nil && seconds > 0 {
		var s *shot
		if s, err = d.shoot(clip); err == nil {
			if err = s.film(seconds); err == nil {
				err = s.close()
			}
		}
	}
	if err == nil {
		err = d.cat.End(clip, "event over")
	}
	if err == nil {
		err = d.commit()
	}
	if err != nil {
		d.Fatal(err)
	}
	return clip, event
}

// reopen starts another process on the card.
func (d *device) reopen() *catalog.Report {
	d.Helper()
	if err := d.fsys.Close(); err != nil {
		d.Fatal(err)
	}
	return d.mustOpen()
}

// wreck removes files and folders of the card.
func (d *device) wreck(names ...string) {
	d.Helper()
	for _, name := range names {
		files, err := d.fsys.List(name)
		for _, f := range files {
			err = d.fsys.Remove(name + "/" + f.Name())
		}
		if err == nil || len(files) == 0 {
			err = d.fsys.Remove(name)
		}
		if err != nil {
			d.Fatal(err)
		}
	}
}

// pictures lists the files of pictures.
func (d *device) pictures() (list []string) {
	d.Helper()
	folders, err := d.fsys.List(".")
	if err != nil {
		d.Fatal(err)
	}
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		files, err := d.fsys.List(folder.Name())
		if err != nil {
			d.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f.Name(), ".jpg") {
				list = append(list, f.Name())
			}
		}
	}
	return list
}
