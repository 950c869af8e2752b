package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
	"github.com/smartcam-sdk/smartcam/examples/camera/clipapi"
	"github.com/smartcam-sdk/smartcam/examples/program"
	"github.com/smartcam-sdk/smartcam/signaling"
	"github.com/smartcam-sdk/smartcam/viewer"
)

// mostClips is how many clips are listed.
const mostClips = 10_000

// shelf is where the clips of a camera are found.
type shelf interface {
	list(context.Context, clipapi.Query) (clipapi.Page, error)
	receipt(context.Context, recorder.ClipID) (clipapi.Receipt, error)

	// film writes what there is of a clip as MP4.
	film(ctx context.Context, r clipapi.Receipt, w io.Writer) error
	close()
}

// clips lists the clips that a camera keeps, tells what became of one, and saves it.
func (t terminal) clips(ctx context.Context, args []string) error {
	fs := program.NewFlags("viewer clips", "-channel NAME [-clip ID [-o FILE.mp4|-]] [flags]", `
Lists the clips that a camera keeps of events, and what has become of each: recording,
kept on the device, uploading, uploaded. With -clip it tells all of one clip, with -o as
well it saves it as MP4, or writes it to standard output for a player.

The camera is asked by its signaling channel. What it has uploaded then comes from the
stream. With -camera it is asked at the address of its -status instead, and the clip
comes from the device, uploaded or not, without AWS.

A time is `+momentForms+`.

  viewer clips -channel front-door
  viewer clips -channel front-door -stream front-door -clip 01JDY… -o - | mpv -
  viewer clips -camera http://127.0.0.1:9090 -from 2h
  viewer clips -camera http://127.0.0.1:9090 -clip 01JDY… -o visit.mp4
`)
	r := readFlags(fs, "a day before the end by default", "now by default")
	channel := fs.Channel("", "signaling channel, `name` or ARN (default the name of the thing of -device)")
	camera := fs.Text("camera", "", "`URL` of the camera's -status, instead of the channel", routes)
	id := fs.Text("clip", "", "`ID` of a clip, as the list has it", clipID)
	out := fs.Text("o", "", "`file` to write the clip of -clip to, with the ending .mp4; - for standard output", savableAs(".mp4"))
	logger := fs.Log(slog.LevelWarn)
	if err := fs.Parse(t.Console, args); err != nil {
		return err
	}
	unused, why := []string{"from", "to"}, "with -clip"
	if *id == "" {
		unused, why = []string{"o"}, "without -clip"
	}
	err := fs.Unused(why, unused...)
	if err == nil && *camera != "" {
		err = fs.Unused("with -camera", append([]string{"channel", "stream"}, program.AWSFlags...)...)
	}
	if err != nil {
		return err
	}
	stretch, err := r.stretch(24 * time.Hour)
	if err != nil {
		return err
	}
	var from shelf
	if *camera != "" {
		from = newNear(*camera)
	} else if from, err = t.channelShelf(ctx, r, *channel, logger()); err != nil {
		return err
	}
	defer from.close()
	if *id == "" {
		return t.listClips(ctx, from, clipapi.Query{From: stretch.Start, To: stretch.End})
	}
	receipt, err := from.receipt(ctx, recorder.ClipID(*id))
	switch {
	case err != nil:
		return err
	case *out == "":
		return t.tellClip(receipt)
	case *out == "-":
		return from.film(ctx, receipt, t.Out)
	}
	n, err := save(*out, func(w io.Writer) error { return from.film(ctx, receipt, w) })
	if err != nil {
		return err
	}
	t.tell("%s: %.1f MB, %s\n", *out, float64(n)/1e6, titleOf(receipt.Clip))
	return nil
}

// routes checks the URL of a camera's routes.
func routes(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("want a URL, http://192.168.1.10:9090 for example")
	}
	return nil
}

// clipID checks the ID of a clip, which is to be a part of a URL.
func clipID(s string) error {
	if len(s) != 26 || strings.Trim(s, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") != "" {
		return errors.New("want the ID of a clip, 26 letters and digits: viewer clips lists them")
	}
	return nil
}

// channelShelf connects to a camera on its signaling channel.
func (t terminal) channelShelf(ctx context.Context, r *recorded, channel string, log *slog.Logger) (_ shelf, err error) {
	access, err := r.account.Load(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			access.Close()
		}
	}()
	if channel = cmp.Or(channel, access.Thing); channel == "" {
		return nil, r.flags.Invalid("channel", errors.New("name the camera's channel, or give its URL with -camera"))
	}
	*r.stream = cmp.Or(*r.stream, access.Thing)
	v, err := t.dial(ctx, viewer.Config{Logger: log, Signaling: signaling.Config{AWS: access.Config, Channel: channel}}, r.account)
	if err != nil {
		return nil, err
	}
	return &far{t, r, v, access}, nil
}

// listClips prints the clips of a time, the oldest first.
func (t terminal) listClips(ctx context.Context, from shelf, q clipapi.Query) error {
	var all []recorder.Clip
	for more := true; more && len(all) < mostClips; {
		page, err := from.list(ctx, q)
		if err != nil {
			return err
		}
		all = append(all, page.Clips...)
		if more = page.More && len(page.Clips) > 0; more {
			q.Before = all[len(all)-1].ID
		}
	}
	if len(all) == 0 {
		t.tell("the camera has no clips from %s to %s\n", q.From.Format(time.DateTime), q.To.Format(time.DateTime))
		return nil
	}
	slices.Reverse(all)
	w := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0) // its errors come with Flush
	_, _ = fmt.Fprintln(w, "CLIP\tSTART\tLENGTH\tMB\tSTATE\tEVENTS")
	for _, c := range all {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%.1f s\t%.1f\t%s\t%s\n", c.ID, startOf(c), c.Length.Seconds(), float64(c.Bytes)/1e6, stateOf(c), eventsOf(c))
	}
	return w.Flush()
}

// tellClip prints what is known of a clip.
func (t terminal) tellClip(r clipapi.Receipt) error {
	c := r.Clip
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  %s", titleOf(c), stateOf(c))
	if c.Reason != "" {
		fmt.Fprintf(&b, ", ended: %s", c.Reason)
	}
	fmt.Fprintln(&b)
	stored := 0
	for _, f := range r.Fragments {
		if f.Stored {
			stored++
		}
	}
	if len(r.Fragments) > 0 {
		fmt.Fprintf(&b, "  stored: %d of %d fragments\n", stored, len(r.Fragments))
	}
	for _, run := range c.Runs {
		fmt.Fprintf(&b, "  in the stream: %s to %s, %d fragments from %s to %s\n", run.Start.Local().Format(time.DateTime),
			run.End.Local().Format(time.TimeOnly), run.Fragments, run.First, run.Last)
	}
	for _, m := range c.Missing {
		fmt.Fprintf(&b, "  missing: %s", m.Reason)
		if !m.Start.IsZero() {
			fmt.Fprintf(&b, ", from %s", m.Start.Local().Format(time.DateTime))
		}
		if m.Length > 0 {
			fmt.Fprintf(&b, ", %.1f s", m.Length.Seconds())
		}
		if m.Frames > 0 {
			fmt.Fprintf(&b, ", %d frames", m.Frames)
		}
		fmt.Fprintln(&b)
	}
	_, err := io.WriteString(t.Out, b.String())
	return err
}

func titleOf(c recorder.Clip) string {
	return fmt.Sprintf("%s: %s, %s, %.1f s, %.1f MB", c.ID, eventsOf(c), startOf(c), c.Length.Seconds(), float64(c.Bytes)/1e6)
}

// startOf returns when a clip begins, as far as that is known.
func startOf(c recorder.Clip) string {
	switch {
	case c.Start.IsZero():
		return "time not known"
	case c.Estimated:
		return "before " + c.Start.Local().Format(time.DateTime)
	}
	return c.Start.Local().Format(time.DateTime)
}

// stateOf returns what has become of a clip.
func stateOf(c recorder.Clip) string {
	s := c.State.String()
	if c.State == recorder.Uploading || c.State == recorder.Partial {
		s = fmt.Sprintf("%s %.0f %%", s, c.Sent*100)
	}
	if !c.OnDevice && c.State != recorder.Lost {
		s += ", not on the device"
	}
	if c.Protected {
		s += ", protected"
	}
	return s
}

// eventsOf returns the types of a clip's events, each once.
func eventsOf(c recorder.Clip) string {
	var types []string
	for _, e := range c.Events {
		if !slices.Contains(types, e.Type) {
			types = append(types, e.Type)
		}
	}
	n := len(c.Events) + c.MoreEvents
	if n > len(types) {
		return fmt.Sprintf("%s (%d)", strings.Join(types, ", "), n)
	}
	return strings.Join(types, ", ")
}
