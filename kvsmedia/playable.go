package kvsmedia

import (
	"fmt"
	"slices"
	"strings"
)

// unplayable returns why no player of the service takes fragments with all of these
// tracks, and what to do, "" if one does ("Video playback track requirements"): HLS, DASH
// and GetClip take one video track and one of sound after it, or sound alone. The service
// stores others all the same, and GetMedia returns them.
func unplayable(tracks []*Track) string {
	var video, sound *Track
	var out []string
	ordered := true
	for i, t := range tracks {
		switch {
		case t.Codec.Video() && video == nil:
			video, ordered = t, sound == nil
		case playable(t.Codec) && sound == nil && !better(tracks[i+1:], t):
			sound = t
		default:
			out = append(out, strings.TrimSpace(t.Codec.String()+quoted(t)))
		}
	}
	switch {
	case len(out) > 0 && video == nil && sound == nil:
		return "no player of the service takes " + strings.Join(out, ", ") + ": have a track in H264, H265 or AAC"
	case len(out) > 0:
		return fmt.Sprintf("players of the service (HLS, DASH, GetClip) take one H264 or H265 track and one AAC track, or G.711 without HLS: leave out %s",
			strings.Join(out, ", "))
	case !ordered:
		return "players of the service (HLS, DASH, GetClip) take video as the first track: name it before the sound"
	}
	return ""
}

// playable reports whether a player of the service takes a sound.
func playable(c Codec) bool { return c == AAC || c == PCMA || c == PCMU }

// better reports whether more players take one of the tracks than a sound.
func better(tracks []*Track, sound *Track) bool {
	return sound.Codec != AAC && slices.ContainsFunc(tracks, func(t *Track) bool { return t.Codec == AAC })
}
