package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"
)

// clip saves a stretch of time as MP4.
func (p *program) clip(ctx context.Context, args []string) error {
	fs, where := p.flags("clip", "-stream NAME -o FILE.mp4 [flags]", `
Saves a stretch of time as an MP4 file, which the service makes: of at most 200
fragments and 100 MB, with AAC or G.711 A-law sound. A time is
`+momentForms+`.

  viewer clip -stream front-door -o last-minute.mp4
  viewer clip -stream front-door -from 18:30 -to 18:31 -o visit.mp4
`)
	r := p.recorded(fs, where, "a minute before the end by default", "now by default")
	out := fs.String("o", "", "`file` to write, with the ending .mp4; - for standard output")
	if err := p.parse(fs, args); err != nil {
		return err
	}
	if *out != "-" && filepath.Ext(*out) != ".mp4" {
		return errors.New("name the file to write with -o, ending in .mp4")
	}
	stretch, err := r.stretch(time.Minute)
	if err != nil {
		return err
	}
	archive, done, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	media, err := archive.Clip(ctx, stretch)
	if err != nil {
		return r.explain(err)
	}
	defer media.Close()
	if *out == "-" {
		_, err := io.Copy(p.stdout, media)
		return err
	}
	n, err := save(*out, media)
	if err == nil {
		p.tell("%s: %.1f MB, from %s to %s\n", *out, float64(n)/1e6, stretch.Start.Format(time.DateTime), stretch.End.Format(time.TimeOnly))
	}
	return err
}

// save writes a file, which is there only if it is whole.
func save(name string, r io.Reader) (n int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".clip-*")
	if err != nil {
		return 0, err
	}
	n, err = io.Copy(f, r)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return n, errors.Join(err, os.Remove(f.Name()))
	}
	return n, nil
}
