// Package scenes draws what cameras see, so that what claims to find motion can be
// measured: a [Scene] is a still, textured place with the noise of a sensor, in which
// people walk, light changes and rain falls, and it says itself when ([Truth]). Package
// encoders makes frames of it.
//
// Scenes of the two families [Tune] and [Measure] show different places: parameters are
// chosen on one, figures come from the other.
//
// A scene looks the same in each run on one machine. Another architecture may round
// differently.
//
// What loops over pixels is marked go:norace: the race detector would make it take ten
// times as long, and no pixel is seen by two goroutines.
package scenes
