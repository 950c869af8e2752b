// Package encoders makes frames of raw pictures with several encoders, with the settings
// of cameras: [Encode] of what package scenes draws, and of real footage ([Crop]).
package encoders
