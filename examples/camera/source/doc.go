// Package source is where the example camera's frames come from: a built-in
// clip, a file, another camera over RTSP, or an encoder's pipe.
//
// A spec names the source:
//
//	clip, or empty            the built-in clip: a front door and its visitor, day and night
//	rtsp://user:pw@host/path  a camera or server (rtsps too): H.264, H.265, Opus, G.711, AAC
//	file.mp4, .mov, .mkv      a file, fragmented or not; H.264, H.265, Opus, AAC, and in .mkv G.711
//	file.h264, file.h265      Annex B, 25 frames a second; ?fps=30 behind the name says otherwise
//	exec:COMMAND              what a shell command writes: H.264 as Annex B, in real time
//	exec+h265:COMMAND         the same with H.265
//
// For example
//
//	exec:rpicam-vid -t 0 --inline -o -
//	exec:ffmpeg -f v4l2 -i /dev/video0 -c:v libx264 -tune zerolatency -g 60 -bsf:v h264_mp4toannexb -f h264 -
//	exec:gst-launch-1.0 -q v4l2src ! x264enc tune=zerolatency ! video/x-h264,stream-format=byte-stream ! fdsink
//
// Pictures come in Annex B, key frames with their parameter sets, in the order in which
// they are decoded. Tracks, media and frames that cannot be used are left out with a
// warning that names them, and leave the others alone; Skipped counts lost frames, and
// what refers to one is left out up to the next key frame.
//
// Files and the clip are played in real time and start again at their end
// without a jump in the timestamps. RTSP sources are connected to again, and
// commands started again, for as long as it takes. An RTSP source must be reached once
// before it is opened, since its tracks are not known before; the log says so.
package source
