// Package segment keeps the media of a recording in files that survive a power cut: plain
// Matroska, which every player reads, cut off anywhere.
//
// A file is a header and blocks. A block is a run of bytes that is written and synced
// together; its trailer says how long it is, that it is whole, and that it belongs to this
// very file, so that footage is found again from content alone: [Scan] takes the blocks
// from the beginning up to the first that is not whole. Trailers, and the index at the end
// of a closed file, are Void elements, which players skip.
//
//	EBML header, Segment of unknown size
//	Void: header        magic, format version, sequence, nonce, clip, event, CRC-32C
//	Info, Tracks        as kvsmedia.Muxer writes them
//	Cluster …           with times from 0 on, in ms
//	Void: trailer       magic, nonce, number and bytes of the block, times, base, CRC-32C over the block and this
//	Cluster …
//	Void: trailer
//	Void: index         magic, nonce, base, clusters, CRC-32C, its own length
//
// The file is preallocated in steps, so that a FAT file system builds its chain once, and
// cut to its length when it is closed. What stands behind the last block until then may be
// clusters of an earlier file of ours: another nonce tells them apart.
//
// The formats of fields are in format.go. Numbers are big-endian.
package segment
