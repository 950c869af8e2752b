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
//	Void                magic, copy of Info; up to byte 4096
//	label: Void, Info, Void; up to byte 8192
//	Tracks              as Info as kvsmedia.Muxer writes them
//	Cluster …           with times from 0 on, in ms
//	Void: trailer       magic, nonce, number and bytes of the block, times, base, CRC-32C over the block and this
//	Cluster …
//	Void: trailer
//	Cues                of a closed file: the clusters that begin with a key frame, at most 4096
//	Void: trailer
//	Void: index         magic, nonce, base, clusters, CRC-32C, its own length
//
// A closed file tells players its length, and seeks at once. Its end is written and synced
// first. Then the label, of which nothing but players needs anything, gets a SeekHead, which
// leads to the Cues, and a Duration. A power cut that tears it, or makes its page unreadable,
// costs no frame: a file is found without the label, and the next start closes it.
//
// The file is preallocated in steps, so that a FAT file system builds its chain once, and
// cut to its length when it is closed. What stands behind the last block until then may be
// clusters of an earlier file of ours: another nonce tells them apart.
//
// The formats of fields are in format.go. Numbers are big-endian.
package segment
