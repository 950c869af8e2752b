// Package mp4 writes fragmented MP4 (ISO/IEC 14496-12): an initialization
// segment, and media segments that go with it. They are what HLS and DASH send,
// and one after another in a file they are a file that every player reads.
//
// It writes H.264, H.265, AAC, Opus and G.711.
package mp4
