package kvsmedia

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"
)

// Run is fragments that were ingested one after another: what one playback session
// plays. Of a range of producer timestamps in which fragments were ingested at very
// different times, as when a gap is filled later, HLS and DASH sessions play the
// oldest run alone (HLSFragmentSelector). The Range of a Run is one that such a
// session, or [Archive.Clip], has whole if its tracks are the same throughout: where they
// change, as when a microphone pauses, both are refused, and [Archive.SameTracks] cuts the
// run there.
type Run struct {
	// Range reaches from the producer timestamp of the first fragment to that of the
	// last one, at which its media begin.
	Range

	// Fragments are at least one, in the order of producer time.
	Fragments []FragmentInfo
}

// MediaEnd returns when the media of the last fragment end.
func (r Run) MediaEnd() time.Time {
	last := r.Fragments[len(r.Fragments)-1]
	return last.ProducerTime.Add(last.Length)
}

// Since returns the part of the run that a player needs from a time on: it begins
// with the fragment whose media has that time, or with the first one after it. ok is
// false if the run has ended by then.
func (r Run) Since(t time.Time) (part Run, ok bool) {
	i := slices.IndexFunc(r.Fragments, func(f FragmentInfo) bool { return f.ProducerTime.Add(f.Length).After(t) })
	if i < 0 {
		return Run{}, false
	}
	return runOf(r.Fragments[i:]), true
}

// maxListed bounds the fragments whose runs are found, which are in memory. A million of
// two seconds are 23 days.
const maxListed = 1_000_000

// maxSession is the longest range of a session (HLSTimestampRange).
const maxSession = 24 * time.Hour

// Parts cuts a run into what calls of the service take: at most so many fragments
// and bytes, and 24 hours. Zero means any number. Playlists take 1,000 fragments, or
// Playback.MaxFragments; [Archive.Clip] takes 200 and 100 MB, and
// [Archive.MediaForFragments] 1,000.
func (r Run) Parts(fragments int, bytes int64) iter.Seq[Run] {
	return func(yield func(Run) bool) {
		from, sum := 0, int64(0)
		for i, f := range r.Fragments {
			sum += f.Bytes
			full := fragments > 0 && i-from == fragments || bytes > 0 && sum > bytes ||
				f.ProducerTime.Sub(r.Fragments[from].ProducerTime) > maxSession
			if !full || i == from {
				continue
			}
			if !yield(runOf(r.Fragments[from:i])) {
				return
			}
			from, sum = i, f.Bytes
		}
		if from < len(r.Fragments) {
			yield(runOf(r.Fragments[from:]))
		}
	}
}

// runOf returns the run of fragments, whose range the API wants to have a length.
func runOf(list []FragmentInfo) Run {
	start, end := list[0].ProducerTime, list[len(list)-1].ProducerTime
	if !end.After(start) {
		end = start.Add(time.Millisecond)
	}
	return Run{Range{Start: start, End: end}, list}
}

// Runs yields the runs of a range in the order of producer time, such that sessions
// for one after another show all that is recorded, once: a fragment that was
// ingested twice, or whose whole time is covered by fragments ingested before it,
// is in none. A run that another one was ingested into comes in two. Where runs
// meet, media of less than a fragment may be shown twice.
//
// The range is one of producer timestamps; without ends it means all. All of its
// fragments are listed before the first run comes, 5,000 a second: a day of two
// seconds each takes nine seconds and some megabytes. A million is the most. An error
// ends the sequence.
func (a *Archive) Runs(ctx context.Context, r Range) iter.Seq2[Run, error] {
	return func(yield func(Run, error) bool) {
		if r.Server {
			yield(Run{}, errors.New("kvsmedia: Runs takes a range of producer timestamps: one session plays a range of server timestamps whole"))
			return
		}
		var all []FragmentInfo
		for f, err := range a.ListFragments(ctx, r) {
			if err != nil {
				yield(Run{}, err)
				return
			}
			if len(all) == maxListed {
				yield(Run{}, fmt.Errorf("kvsmedia: Runs: the range has more than %d fragments: ask for a shorter one", maxListed))
				return
			}
			if !f.ProducerTime.IsZero() {
				all = append(all, f)
			}
		}
		for _, run := range findRuns(all) {
			if !yield(run, nil) {
				return
			}
		}
	}
}

const (
	// runPause is how much longer than its media the ingestion of a run may pause.
	// The service only says "very different points in time": a pause that it takes
	// for shorter than that costs a session, one that it takes for longer footage.
	runPause = 10 * time.Second

	// coverSlack is how much of a fragment may be uncovered by others and the
	// fragment be left out all the same. A shorter gap is none to the service
	// (ON_DISCONTINUITY).
	coverSlack = 50 * time.Millisecond

	// maxLength bounds what one fragment covers: no fragment is longer (4002
	// MAX_FRAGMENT_DURATION_REACHED), but for its last frame.
	maxLength = 21 * time.Second
)

// ingested is a fragment and what came of the order of ingestion.
type ingested struct {
	FragmentInfo
	run   int   // number of its run; later ones have higher numbers
	twice bool  // a fragment with the same producer timestamp was ingested before it
	shown bool  // belongs to what is played
	news  int64 // when it begins to show what those before it do not, in ms
}

// findRuns returns the runs of fragments, which it sorts.
func findRuns(all []FragmentInfo) []Run {
	slices.SortFunc(all, func(a, b FragmentInfo) int {
		return cmp.Or(a.ServerTime.Compare(b.ServerTime), cmp.Compare(len(a.Number), len(b.Number)), cmp.Compare(a.Number, b.Number))
	})
	list := number(all)
	slices.SortStableFunc(list, func(a, b ingested) int { return a.ProducerTime.Compare(b.ProducerTime) })
	shown := make([]int, 0, len(list)) // indexes in list
	for i := range list {
		if list[i].shown {
			shown = append(shown, i)
		}
	}
	slices.SortStableFunc(shown, func(a, b int) int { return cmp.Compare(list[a].news, list[b].news) })
	var runs []Run
	for from := 0; from < len(shown); {
		to := from + 1
		for to < len(shown) && leads(list, shown[to-1], shown[to]) {
			to++
		}
		fragments := make([]FragmentInfo, 0, to-from)
		for _, i := range shown[from:to] {
			fragments = append(fragments, list[i].FragmentInfo)
		}
		runs, from = append(runs, runOf(fragments)), to
	}
	return runs
}

// leads reports whether a session goes on from one fragment of a list, which is in
// the order of producer time, to another one: both are of the same run, and what is
// between them are repetitions, or of runs that were ingested later.
func leads(list []ingested, last, next int) bool {
	run := list[last].run
	return list[next].run == run && !slices.ContainsFunc(list[last+1:next], func(f ingested) bool { return !f.twice && f.run <= run })
}

// number numbers the runs of fragments that are in the order of ingestion, and finds
// those to play.
func number(all []FragmentInfo) []ingested {
	list := make([]ingested, 0, len(all))
	seen := make(map[int64]bool, len(all)) // producer timestamps in ms
	var shown cover
	run, last := 0, FragmentInfo{}
	for _, f := range all {
		at := f.ProducerTime.UnixMilli()
		in := ingested{FragmentInfo: f, twice: seen[at]}
		if !in.twice {
			seen[at] = true
			media, took := f.ProducerTime.Sub(last.ProducerTime), f.ServerTime.Sub(last.ServerTime)
			if len(list) > 0 && (media <= 0 || took-media > runPause) {
				run++
			}
			last = f
			in.news, in.shown = shown.add(at, at+min(max(f.Length, time.Millisecond), maxLength).Milliseconds())
		}
		in.run = run
		list = append(list, in)
	}
	return list
}

// cover is the time that fragments cover: disjoint stretches in ascending order, in
// milliseconds.
type cover []stretch

type stretch struct{ start, end int64 }

// add adds the time from start to end, unless it was covered already, and returns
// when the part of it begins that was not.
func (c *cover) add(start, end int64) (news int64, added bool) {
	s := *c
	i, _ := slices.BinarySearchFunc(s, start, func(t stretch, at int64) int { return cmp.Compare(t.end, at) })
	news = start
	if i < len(s) && s[i].start <= start {
		news = s[i].end
	}
	free, j := end-start, i // s[i:j] touch what is added
	for ; j < len(s) && s[j].start <= end; j++ {
		free -= min(end, s[j].end) - max(start, s[j].start)
	}
	if free < end-start && free <= coverSlack.Milliseconds() {
		return 0, false
	}
	if i < j {
		start, end = min(start, s[i].start), max(end, s[j-1].end)
	}
	*c = slices.Replace(s, i, j, stretch{start, end})
	return news, true
}
