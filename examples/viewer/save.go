package main

import (
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

// saver takes what the camera sends.
type saver interface {
	WriteFrame(kvsmedia.Frame) error
	Close() error
}

// codecs are the codecs of files with the picture alone, by their ending.
var codecs = map[string]kvsmedia.Codec{
	".h264": kvsmedia.H264, ".264": kvsmedia.H264,
	".h265": kvsmedia.H265, ".265": kvsmedia.H265,
}

// savable checks the name of a file to save to.
func savable(name string) error {
	if ext := filepath.Ext(name); name == "-" || ext == ".mkv" || codecs[ext] != 0 {
		return program.Writable(name)
	}
	return errors.New("name the file .mkv for picture and sound, .h264 or .h265 for the picture as it comes")
}

// savableAs returns the check of a file to save to whose name has an ending.
func savableAs(ending string) func(string) error {
	return func(name string) error {
		if name != "-" && filepath.Ext(name) != ending {
			return fmt.Errorf("name the file to write, ending in %s; - is standard output", ending)
		}
		return program.Writable(name)
	}
}

// create returns the saver for the name of a file.
func (t terminal) create(name string) (saver, error) {
	switch name {
	case "":
		return discard{}, nil
	case "-":
		return &raw{out: keepOpen{t.Out}}, nil
	}
	f, err := os.Create(name)
	if ext := filepath.Ext(name); ext != ".mkv" {
		return &raw{out: f, codec: codecs[ext]}, err
	}
	return &recording{out: f}, err
}

// keepOpen is an output that others still use.
type keepOpen struct{ io.Writer }

func (keepOpen) Close() error { return nil }

type discard struct{}

func (discard) WriteFrame(kvsmedia.Frame) error { return nil }
func (discard) Close() error                    { return nil }

// raw saves the picture alone, in Annex B.
type raw struct {
	out   io.WriteCloser
	codec kvsmedia.Codec // that the file name stands for; 0 for any
}

func (r *raw) WriteFrame(f kvsmedia.Frame) error {
	if !f.Track.Codec.Video() {
		return nil
	}
	if r.codec != 0 && f.Track.Codec != r.codec {
		return fmt.Errorf("the camera sends %v, the file is named as %v", f.Track.Codec, r.codec)
	}
	_, err := r.out.Write(f.Data)
	return err
}

func (r *raw) Close() error { return r.out.Close() }

// recording saves picture and sound as Matroska. The tracks are those that
// have sent something in the first second.
type recording struct {
	out    io.WriteCloser
	held   []kvsmedia.Frame // of the first second
	tracks []*kvsmedia.Track
	muxer  *kvsmedia.Muxer
}

func (r *recording) WriteFrame(f kvsmedia.Frame) error {
	if r.muxer != nil {
		if !slices.Contains(r.tracks, f.Track) {
			return nil
		}
		return r.muxer.WriteFrame(f)
	}
	r.held = append(r.held, f)
	if !slices.Contains(r.tracks, f.Track) {
		r.tracks = append(r.tracks, f.Track)
	}
	if f.PTS-r.held[0].PTS < time.Second {
		return nil
	}
	return r.begin()
}

func (r *recording) begin() error {
	r.muxer = kvsmedia.NewMuxer(r.out, r.tracks...)
	r.muxer.Relative = true
	for _, f := range r.held {
		if err := r.muxer.WriteFrame(f); err != nil {
			return err
		}
	}
	r.held = nil
	return nil
}

func (r *recording) Close() error {
	var err error
	if r.muxer == nil && len(r.held) > 0 {
		err = r.begin()
	}
	if r.muxer != nil {
		err = errors.Join(err, r.muxer.Close())
	}
	return errors.Join(err, r.out.Close())
}
