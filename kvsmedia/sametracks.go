package kvsmedia

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/smartcam-sdk/smartcam/internal/mkv"
)

// maxList is the most fragments of one GetMediaForFragmentList call.
const maxList = 1000

// SameTracks cuts a run, or a part of one, where its tracks or their codec private data
// change: where a microphone paused, or a camera was started again with other tracks.
// Sessions and [Archive.Clip] refuse a range in which they do ("Video playback track
// requirements"); each run that comes is one that they have whole. ListFragments does not
// tell tracks, so all of the run's media is read: cut it by Parts first if it is long. An
// error ends the sequence.
func (a *Archive) SameTracks(ctx context.Context, r Run) iter.Seq2[Run, error] {
	return func(yield func(Run, error) bool) {
		from, last := 0, "" // of the run at hand
		i := 0
		for part := range r.Parts(maxList, 0) {
			for tracks, err := range a.trackLists(ctx, part) {
				if err != nil {
					yield(Run{}, err)
					return
				}
				if i > from && tracks != last {
					if !yield(runOf(r.Fragments[from:i]), nil) {
						return
					}
					from = i
				}
				last = tracks
				i++
			}
		}
		if from < len(r.Fragments) {
			yield(runOf(r.Fragments[from:]), nil)
		}
	}
}

// trackLists yields a text for the tracks of each fragment of a part, the same where they
// are the same.
func (a *Archive) trackLists(ctx context.Context, part Run) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		var numbers []string
		for _, f := range part.Fragments {
			numbers = append(numbers, f.Number)
		}
		media, err := a.MediaForFragments(ctx, numbers...)
		if err != nil {
			yield("", err)
			return
		}
		defer media.Close()
		count, tracks, number := 0, "", ""
		for e := media.next(); e != nil; e = media.next() {
			switch e := e.(type) {
			case tracksEvent:
				tracks = describe(media.r.Tracks())
			case Tags:
				number = cmp.Or(e[tagNumber], number)
			case clusterEvent:
				if count == len(numbers) || number != numbers[count] {
					yield("", fmt.Errorf("kvsmedia: SameTracks: the service returned fragment %q as number %d of %d, which is another", number, count+1, len(numbers)))
					return
				}
				if count++; !yield(tracks, nil) {
					return
				}
			}
		}
		if err = media.Err(); err == nil && count < len(numbers) {
			err = fmt.Errorf("kvsmedia: SameTracks: the service returned %d of %d fragments: %w", count, len(numbers), io.ErrUnexpectedEOF)
		}
		if err != nil {
			yield("", err)
		}
	}
}

// describe returns a text that is the same for tracks that one session plays.
func describe(list mkv.Tracks) string {
	var b strings.Builder
	for _, t := range list {
		fmt.Fprintf(&b, "%d %s %x\n", t.Number, t.CodecID, t.CodecPrivate)
	}
	return b.String()
}
