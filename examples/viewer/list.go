package main

import (
	"context"
	"fmt"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/smartcam-sdk/smartcam/examples/program"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// gap is from how much time without media on the list says so.
const gap = time.Second

// list prints the fragments of a stretch of time.
func (t terminal) list(ctx context.Context, args []string) error {
	fs := program.NewFlags("viewer list", "-stream NAME [flags]", `
Lists the fragments that a stream holds of a stretch of time, and where there is
none.

A time is `+momentForms+`.

  viewer list -stream front-door
  viewer list -stream front-door -from 2h -to 1h
`)
	r := readFlags(fs, "an hour before the end by default", "now by default")
	if err := fs.Parse(t.Console, args); err != nil {
		return err
	}
	stretch, err := r.stretch(time.Hour)
	if err != nil {
		return err
	}
	archive, done, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	var all []kvsmedia.FragmentInfo
	for f, err := range archive.ListFragments(ctx, stretch) {
		if err != nil {
			return r.explain(err)
		}
		all = append(all, f)
	}
	if len(all) == 0 {
		t.tell("%s holds nothing from %s to %s\n", *r.stream, stretch.Start.Format(time.DateTime), stretch.End.Format(time.DateTime))
		return nil
	}
	slices.SortFunc(all, func(a, b kvsmedia.FragmentInfo) int { return a.ProducerTime.Compare(b.ProducerTime) })
	return t.table(all)
}

// table prints fragments in the order of time, and their sum.
func (t terminal) table(all []kvsmedia.FragmentInfo) error {
	w := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', tabwriter.AlignRight) // its errors come with Flush
	_, _ = fmt.Fprintln(w, "START\tLENGTH\tKB\tKBIT/S\tFRAGMENT\t")
	var bytes int64
	var length time.Duration
	end := all[0].ProducerTime
	for _, f := range all {
		start := f.ProducerTime
		if without := start.Sub(end); without >= gap {
			_, _ = fmt.Fprintf(w, "nothing\t%.1f s\t\t\t\t\n", without.Seconds())
		}
		_, _ = fmt.Fprintf(w, "%s\t%.1f s\t%d\t%.0f\t%s\t\n", start.Local().Format("2006-01-02 15:04:05.000"), f.Length.Seconds(),
			f.Bytes/1000, float64(f.Bytes)*8/1000/max(f.Length.Seconds(), 0.001), f.Number)
		bytes += f.Bytes
		if e := start.Add(f.Length); e.After(end) { // what is stored twice counts once
			length += min(f.Length, e.Sub(end))
			end = e
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.Out, "%d fragments, %s of media, %.1f MB\n", len(all), length.Round(100*time.Millisecond), float64(bytes)/1e6)
	return err
}
