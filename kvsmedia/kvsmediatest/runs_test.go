package kvsmediatest_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia/kvsmediatest"
)

// starts returns the times in a document in seconds after origin.
func starts(t *testing.T, pattern, text string, origin time.Time) string {
	t.Helper()
	var list []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		at, err := time.Parse(time.RFC3339Nano, m[1])
		if err != nil {
			seconds, unitErr := time.ParseDuration(m[1] + "s")
			if unitErr != nil {
				t.Fatal(err, unitErr)
			}
			at = time.Unix(0, 0).Add(seconds)
		}
		list = append(list, fmt.Sprintf("%g", at.Sub(origin).Seconds()))
	}
	return strings.Join(list, " ")
}

// Of a range of producer timestamps players get what was ingested first and
// immediately after it, but not what came at a very different time, such as into
// a gap. A range of server timestamps has all, in the order of ingestion.
func TestOldestRun(t *testing.T) {
	sub := clips.Sub()
	part := func(from, to int) *clips.Clip {
		clip := &clips.Clip{Tracks: sub.Tracks}
		for _, f := range sub.Frames {
			if f.PTS >= time.Duration(from)*time.Second && f.PTS < time.Duration(to)*time.Second {
				clip.Frames = append(clip.Frames, f)
			}
		}
		return clip
	}
	for name, test := range map[string]struct {
		do   func(store func(from, to int))
		want string
	}{
		"a gap": {func(store func(from, to int)) {
			time.Sleep(4 * time.Second)
			store(0, 4)
			time.Sleep(12 * time.Second)
			store(12, 16)
		}, "0 2 12 14"},
		"a gap filled an hour later": {func(store func(from, to int)) {
			store(0, 4)
			store(12, 16)
			time.Sleep(time.Hour)
			store(4, 12)
		}, "0 2 12 14"},
		"a gap filled at once":            {func(store func(from, to int)) { store(0, 4); store(12, 16); store(4, 12) }, "0 2 12 14"},
		"the end a minute late":           {func(store func(from, to int)) { store(0, 4); time.Sleep(64 * time.Second); store(4, 8) }, "0 2"},
		"the end not quite a minute late": {func(store func(from, to int)) { store(0, 4); time.Sleep(60 * time.Second); store(4, 8) }, "0 2 4 6"},
		"sent again":                      {func(store func(from, to int)) { store(0, 6); store(2, 8) }, "0 2 4 6"},
		"the newest first":                {func(store func(from, to int)) { store(8, 12); store(0, 8) }, "8 10"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, whole := range []bool{false, true} {
				cfg := kvsmediatest.Config{Limits: kvsmediatest.Limits{Off: true}, Variants: kvsmediatest.Variants{WholeClips: whole}}
				inBubble(t, cfg, func(c *client) {
					at := time.Now().Truncate(time.Second)
					stored := map[int]bool{}
					test.do(func(from, to int) {
						c.store(recording(t, part(from, to), at, sub.Tracks...))
						for s := from; s < to; s += 2 {
							stored[s] = true
						}
					})
					const date = `PROGRAM-DATE-TIME:(\S+)`
					hls := func(mode, selector string) string {
						url := c.hls(fmt.Sprintf(`,"PlaybackMode":%q,"DisplayFragmentTimestamp":"ALWAYS","MaxMediaPlaylistFragmentResults":20,"HLSFragmentSelector":{%s}`, mode, selector))
						return c.fetch(beside(url, first(t, `(?m)^(getHLSMediaPlaylist.*)$`, c.fetch(url))))
					}
					producer := onDemand(at, time.Minute)
					if got := starts(t, date, hls("ON_DEMAND", producer), at); got != test.want {
						t.Errorf("ON_DEMAND plays %s, want %s", got, test.want)
					}
					if got := starts(t, date, hls("LIVE_REPLAY", producer), at); got != test.want {
						t.Errorf("LIVE_REPLAY plays %s, want %s", got, test.want)
					}
					dash := c.ok("/getDASHStreamingSessionURL", `{"StreamName":"door","PlaybackMode":"ON_DEMAND","DisplayFragmentTimestamp":"ALWAYS","DASHFragmentSelector":{`+producer+`}}`)
					if got := starts(t, `kvs:ts="([^"]*)"`, c.fetch(dash["DASHStreamingSessionURL"].(string)), at); got != test.want {
						t.Errorf("DASH plays %s, want %s", got, test.want)
					}
					fragments := strings.Count(test.want, " ") + 1
					if whole {
						fragments = len(stored)
					}
					clip := c.post("/getClip", `{"StreamName":"door","ClipFragmentSelector":{`+producer+`}}`)
					if n := strings.Count(clip.raw, "moof"); n != fragments {
						t.Errorf("the clip has %d fragments, want %d", n, fragments)
					}
				})
			}
		})
	}
}
