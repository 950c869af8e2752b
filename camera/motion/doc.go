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
// An encoder spends bits on what changed since the picture before, and says of each block
// what it did. A [Detector] reads that (the entropy coding of H.264 and H.265 is parsed, no
// picture is made): how many bits 16 x 16 pixels take, at which quantiser, and whether they
// move; of H.265 only whether they move otherwise than what is beside them. It learns what is
// usual of each block: what waves, flickers or is a clock is usual where it is. Motion is what
// several blocks side by side do that they do not usually do.
//
// Pictures that cannot be parsed (interlaced, 4:4:4), that are larger than 4096 x 2304 or above
// 128 KiB one after another, and streams above 1.5 Mbit/s are judged by the sizes of
// their slices, as is everything with Config.SizesAlone: the bytes times the step of the
// quantiser, against what is usual at each place between two key frames. That shows less, for
// a tenth of the price.
//
// What lies far above what was usual in the last minute, frame after frame for
// Config.Shortest, is motion. While something moves, little is learned; what moves on for
// some four minutes, such as rain, is usual then. In the first ten seconds nothing is told, and
// in some ten to fifteen after more than two seconds without a frame or a leap of media time:
// there it begins anew.
//
// A change of the whole picture, of the light or of an infrared filter, is a [Scene], not
// motion: nothing counts for a second and a half, then the picture is judged anew, and what
// still moves is told within three seconds of the change.
//
// A key frame that was asked for, or another bitrate, looks like motion. The firmware alone
// knows of it, as it reads camera.Camera.EncoderHints: let it call [Detector.Ignore].
//
// Looking at the blocks of 640 x 360 pixels, 15 pictures a second, takes 0.2 to 1 % of a
// core here up to 600 kbit/s and 2.5 % at 1.5 Mbit/s, at sizes a tenth of that or less: see
// BENCHMARKS.md.
//
// # How well it sees
//
// On drawn scenes of places that no parameter was chosen on, walkers who are told of within
// a second of their being in the picture, of four, by the share of the picture that they
// cover, by day and, 2 %, in the noise of dusk:
//
//	                                blocks                  sizes
//	                          1 %   2 %   dusk        1 %   2 %   dusk
//	H.264 constant quality     4     4     4           4     4     4
//	      variable bitrate     4     4     4           3     4     2 to 4
//	      capped quality       4     4     4           4     4     0
//	      constant bitrate     4     4     4           1     4     4
//	      key frames alone                             0     0     2
//	H.265 constant quality     4     4     4           4     4     4
//	      variable bitrate     4     4     4           4     4     0
//
// Still scenes by day, at dusk and at night, clouds, a burnt-in clock, light switches and
// infrared filters gave no false alarm by blocks at GOP 30 in two films of a minute each;
// by sizes a tree in the wind did, so did lights that change within a second, where the
// encoder has no weighted prediction, and anything in H.265 of a variable bitrate.
// BENCHMARKS.md has it all, with a busy street, where what moves most of the time is usual.
//
// # What it does not see
//
//   - What is small: an object of less than 1 % of the picture; by sizes alone less than 2 %,
//     in noise less than 5 %.
//   - Slow changes: a shadow that moves in minutes is usual.
//   - Where it moves, but for bands: Config.Regions.
//   - Anything in a stream of key frames alone: they have nearly the same size whatever moves.
//     That is told once, as [Blind].
//   - By sizes alone, much if the encoder holds a constant bitrate by its quantiser in a noisy
//     picture: that is told once, as [Blind]. A light that changes slowly, in an encoder
//     without weighted prediction, wind, and a lamp in the dark then count as motion.
//   - Rain, at its beginning, is motion in H.264 and by sizes.
//   - A change of the light in H.265 at times: it is told neither as Scene nor as motion.
package motion
