// Package mkv reads and writes Matroska and WebM streams (RFC 9559) on EBML (RFC
// 8794), at the level of the format: what the elements mean to a camera is
// kvsmedia's business.
//
// # Reading
//
// A [Reader] pulls from any io.Reader and never seeks, so that files, pipes and
// the body of a GetMedia response read alike. [Reader.Next] returns the parts
// of a stream in their order:
//
//   - a [Header] at each EBML header; several documents may follow one another,
//     as GetMedia sends them, one per fragment;
//   - [Info] and [Tracks];
//   - a [Cluster] as soon as its timestamp is known, then its [Block] values, one
//     per frame whatever the lacing;
//   - [Tags], which Kinesis Video Streams ties to the cluster before them.
//
// Segments and clusters may have known or unknown sizes. Void, CRC-32 (which is
// not checked), cues and everything else that is not named above is passed over.
//
// # Writing
//
// The Append functions write a stream as it is sent live, and as Kinesis Video
// Streams takes it: [AppendHeader] with a segment of unknown size, [AppendInfo],
// [AppendTracks], then for each cluster, of unknown size too, [AppendCluster], its
// blocks by [AppendBlock], and [AppendTags]. No part refers to another by its
// position, so that a stream can be sent as it comes, continued and cut at a
// cluster. They append to a slice and allocate nothing but its growth.
//
// A file that is complete gets what players show its length by and seek with:
// [AppendSeekHead] and [AppendDuration], for which [AppendRoom] keeps room at the
// file's beginning, and [AppendCues].
//
// # Errors
//
// A stream that ends inside an element, or before the end that its segment or
// cluster announces, gives what was whole and then an error that is
// [io.ErrUnexpectedEOF]; this is what a file looks like after a power loss.
// Sizes are bounded: see [MaxBlock] and [MaxMaster]. An error ends the reading.
package mkv
