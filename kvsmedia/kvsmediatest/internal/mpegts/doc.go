// Package mpegts writes MPEG transport streams (ITU-T H.222.0) as HLS takes them:
// segments that each begin with their tables and can be played alone or one after
// another.
//
// It writes H.264, H.265 and AAC.
package mpegts
