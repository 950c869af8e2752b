package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/examples/program"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// clip saves a stretch of time as MP4.
func (t terminal) clip(ctx context.Context, args []string) error {
	fs := program.NewFlags("viewer clip", "-stream NAME -o FILE.mp4 [flags]", `
Saves a stretch of time as an MP4 file. The service makes it: of at most 200
fragments and 100 MB that were uploaded one after another, with AAC or G.711 A-law
sound. What is longer, or was uploaded at different times, is put together here.

A time is `+momentForms+`.

  viewer clip -stream front-door -o last-minute.mp4
  viewer clip -stream front-door -from 18:30 -to 18:31 -o visit.mp4
`)
	r := readFlags(fs, "a minute before the end by default", "now by default")
	out := fs.Text("o", "", "`file` to write, with the ending .mp4; - for standard output", savableAs(".mp4"))
	if err := fs.Parse(t.Console, args); err != nil {
		return err
	}
	if *out == "" {
		return fs.Invalid("o", errors.New("name the file to write, ending in .mp4; - is standard output"))
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
	runs, err := clipRuns(ctx, archive, stretch)
	switch {
	case err != nil:
		return r.explain(err)
	case len(runs) == 0:
		return fmt.Errorf("the stream %s holds nothing of that time: viewer list -stream %s -from 24h shows what it holds", *r.stream, *r.stream)
	}
	write := func(w io.Writer) error { return cut(ctx, archive, runs, w) }
	if *out == "-" {
		return r.explain(write(t.Out))
	}
	n, err := save(*out, write)
	if err != nil {
		return r.explain(err)
	}
	t.tell("%s: %.1f MB, from %s to %s\n", *out, float64(n)/1e6, stretch.Start.Format(time.DateTime), stretch.End.Format(time.TimeOnly))
	return nil
}

// Limits of a clip that the service makes (GetClip). Its file is a little larger or
// smaller than the fragments.
const (
	clipFragments = 200
	clipBytes     = 95e6
)

// clipRuns returns the runs of a stretch of time, cut into what the service makes clips of.
func clipRuns(ctx context.Context, archive *kvsmedia.Archive, stretch kvsmedia.Range) (parts []kvsmedia.Run, err error) {
	for run, err := range archive.Runs(ctx, stretch) {
		if err != nil {
			return nil, err
		}
		parts = slices.AppendSeq(parts, run.Parts(clipFragments, clipBytes))
	}
	return parts, nil
}

// cut writes runs as one MP4 file: as the service has it, if it is one of them that
// the service makes a clip of.
func cut(ctx context.Context, archive *kvsmedia.Archive, runs []kvsmedia.Run, w io.Writer) error {
	if len(runs) > 1 {
		return (&movie{archive: archive}).write(ctx, runs, w)
	}
	media, err := archive.Clip(ctx, runs[0].Range)
	if err != nil {
		return err
	}
	defer media.Close()
	_, err = io.Copy(w, media)
	return err
}

// save writes a file, which is there only if it is whole.
func save(name string, write func(io.Writer) error) (n int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".clip-*")
	if err != nil {
		return 0, err
	}
	if err = write(f); err == nil {
		n, err = f.Seek(0, io.SeekCurrent)
	}
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return n, errors.Join(err, os.Remove(f.Name()))
	}
	return n, nil
}
