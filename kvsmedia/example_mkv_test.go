package kvsmedia_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/cameratest/clips"
	"github.com/smartcam-sdk/smartcam/kvsmedia"
)

// Save the picture and one of the two encodings of the sound of a camera, and
// read them back.
func ExampleWriteMKV() {
	clip := clips.Day() // in a program: camera.Frames or viewer.Frames
	main, opus := clip.Tracks[0], clip.Tracks[1]
	var file bytes.Buffer
	if err := kvsmedia.WriteMKV(&file, slices.Values(clip.Frames), main, opus); err != nil {
		fmt.Println(err)
		return
	}

	r := kvsmedia.NewReader(&file)
	count := map[string]int{}
	for f := range r.Frames() {
		count[f.Track.Name]++
	}
	fmt.Println(count, r.Err())
	// Output: map[main:300 opus:1000] <nil>
}

// Save the picture and the sound of a camera as a file that every player reads.
func ExampleWriteMP4() {
	clip := clips.Day() // in a program: camera.Frames or viewer.Frames
	main, aac := clip.Tracks[0], clip.Tracks[2]
	var file bytes.Buffer
	if err := kvsmedia.WriteMP4(&file, slices.Values(clip.Frames), main, aac); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(bytes.Count(file.Bytes(), []byte("moof")), "fragments")
	// Output: 10 fragments
}

// Mark a fragment in which something happened, so that it can be found in the
// archive.
func ExampleMuxer_Tag() {
	clip := clips.Day()
	var stream bytes.Buffer
	m := kvsmedia.NewMuxer(&stream, clip.Tracks[0])
	for _, f := range clip.Frames {
		if f.Track != clip.Tracks[0] {
			continue
		}
		if err := m.WriteFrame(f); err != nil {
			fmt.Println(err)
			return
		}
		if f.PTS == 5*time.Second {
			if err := m.Tag("motion", "person"); err != nil {
				fmt.Println(err)
				return
			}
		}
	}
	if err := m.Close(); err != nil {
		fmt.Println(err)
		return
	}

	for f := range kvsmedia.NewReader(&stream).Fragments() {
		if f.Tags["motion"] != "" {
			fmt.Println(f.Frames[0].PTS, f.Tags)
		}
	}
	// Output: 4s map[motion:person]
}

// A recording that a power loss cut off gives its whole frames.
func ExampleReader() {
	clip := clips.Day()
	var file bytes.Buffer
	if err := kvsmedia.WriteMKV(&file, slices.Values(clip.Frames), clip.Tracks[0]); err != nil {
		fmt.Println(err)
		return
	}
	file.Truncate(file.Len() / 2)

	r := kvsmedia.NewReader(&file)
	pictures := 0
	for range r.Frames() {
		pictures++
	}
	fmt.Println(pictures > 100, errors.Is(r.Err(), io.ErrUnexpectedEOF))
	// Output: true true
}
