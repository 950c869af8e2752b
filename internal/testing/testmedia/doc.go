// Package testmedia makes encoded media whose properties a test chooses: [Noise], whose
// frames have the sizes of a real encoder's, and [BFrames], whose pictures are decoded in
// another order than shown. Real footage is in camera/cameratest/clips.
package testmedia
