// Package clips holds small clips of our own making, for tests, for the
// demo and as the default source of the example camera: a street seen from a
// front door, with a running clock, people and cars, by day and as an infrared
// camera shows it by night, with wind, birds and a tick each second.
//
//   - [Day] and [Night]: H.264 constrained baseline, 640 x 360, 15 pictures a
//     second, a key frame every 2 s; Opus, 48 kHz mono, 20 ms; AAC-LC, 32 kHz mono.
//     20 s, which repeat without a seam.
//   - [Sub]: the day's picture at 320 x 180 and about 100 kbit/s.
//   - [HEVC]: two seconds of it in H.265 Main.
//   - [Porch]: a minute at a front door, as Day but still, with what happens in it when,
//     and a JPEG of each second; [PorchNight] is that by night.
//   - [Chime]: a door bell, Opus.
//
// [Play] plays a clip again and again at its own pace. [Merge] puts clips side by
// side, such as Day and Sub for a camera with two renditions.
//
// The clips are made by make.sh and scene.awk in this directory with ffmpeg.
package clips
