// Package motion finds motion in the encoded picture, without decoding it, for cameras
// whose chip has no detector.
//
//	d, err := motion.New(motion.Config{})
//	if err != nil {
//		return err
//	}
//	for e := range d.Events(cam.Frames(ctx, 0)) { // *camera.Camera
//		switch e.Kind {
//		case motion.Started, motion.Going:
//			_, err = rec.Trigger(recorder.Event{ID: e.ID, Type: "motion", Time: e.Time, Score: e.Score})
//		…
//		}
//	}
//
// A firmware with a detector of its own, in the image processor or the encoder, sees more:
// it calls Recorder.Trigger itself, and needs nothing of this.
//
// # What it measures
//
// An encoder spends bytes on what changed since the picture before. A [Detector] reads the
// headers of each picture's slices, no more, for their size and their quantiser, whose step
// times the bytes tells how much changed whatever bitrate the encoder aims at. It learns
// what is usual at each place between two key frames: the median of a minute, and how far
// values lie from it. What lies far above that, frame after frame for Config.Shortest, is
// motion. While something moves, little is learned; what moves on for some four minutes,
// such as rain, is usual then. In the first ten seconds nothing is told.
//
// A change of the whole picture, of the light or of an infrared filter, is a [Scene], not
// motion: nothing counts for a second and a half, then the picture is judged anew, and what
// still moves is told within three seconds of the change.
//
// A key frame that was asked for, or another bitrate, looks like motion. The firmware alone
// knows of it, as it reads camera.Camera.EncoderHints: let it call [Detector.Ignore].
//
// Looking costs less than a thousandth of a processor's core: see BENCHMARKS.md.
//
// # How well it sees
//
// Measured on drawn scenes (320 x 180 pixels, 15 pictures a second, four of each kind, none
// of which parameters were chosen on): walkers of whom so many of eight are told of within
// a second, and in scenes without one the false alarms in four minutes. An S is a change of
// the whole picture that was told as such.
//
// The figures are in BENCHMARKS.md.
//
// # What it does not see
//
//   - What is small: an object of less than 1 % of the picture, or of less than 2 % in noise.
//   - Slow changes: a shadow that moves in minutes is usual.
//   - Where something moves: a tree in the wind counts like a person. Config.Regions parts the
//     picture into bands, if the encoder makes slices of rows.
//   - Anything in a stream of key frames alone: its frames have nearly the same size whatever
//     moves.
//   - Much, if the encoder holds a constant bitrate by its quantiser in a noisy picture: that
//     is told once, as [Blind]. Constant quality or a variable bitrate shows more.
//   - A light that changes slowly, in an encoder without weighted prediction: it is taken for
//     motion. So is rain, at its beginning.
package motion
