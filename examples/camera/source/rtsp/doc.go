// Package rtsp makes frames of what an RTSP server sends: it reads descriptions
// that real cameras write, puts RTP packets together, and gives frames the time
// of their capture. It has neither connection nor clock: its parts are driven by
// values, so that hours of a bad camera take a test a moment.
//
// # Time
//
// A camera's tracks have a clock each, which may leap, wrap (32 bits of 90 kHz
// do after 13 hours) and drift. [Line] puts them on one line, that of the local
// clock, from four sources:
//
//   - The RTP timestamps give the distance from one frame to the next. One that
//     leaps away from its time of arrival is replaced by the usual distance; if the
//     next frame follows it, the clock has been set anew and is followed from there.
//   - The time of arrival gives the place on the line. What arrived soonest
//     after its capture counts, within a window, so that jitter and stalls do not
//     show. A burst at the beginning, as of servers that send the last group of
//     pictures at once, is waited for and lies in the past.
//   - Sender reports (RTCP, RFC 3550, 6.4.1) align the tracks with one another, as soon
//     as two of each track agree; they move a track back only, by at most two seconds.
//   - What is found wrong is corrected by at most a quarter of the time that passes,
//     and what is less than 20 ms is left alone: a step of PTS is that of the RTP clock.
package rtsp
