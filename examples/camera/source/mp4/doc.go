// Package mp4 reads frames from MP4 and QuickTime files (ISO/IEC 14496-12), with
// one index or fragmented: H.264, H.265, AAC and Opus.
//
// Pictures come in Annex B and in the order in which they are decoded, PTS being
// the time of presentation. A track may have several sample descriptions: the
// parameter sets of each stand in its key frames. Of the edit list what delays a
// track's beginning, or cuts it, is followed.
//
// A file is outside data: whatever it says, memory is bounded, and a track that
// cannot be read leaves the others alone.
//
// mediacommon's reader (v2.8.0, formats/pmp4) was tried in its place: it divides by
// zero where a file has chunks of no samples, demands an edit list, reads neither
// several sample descriptions nor sound as QuickTime wraps it nor
// offsets of 64 bits, and one unreadable track ends the file.
package mp4
