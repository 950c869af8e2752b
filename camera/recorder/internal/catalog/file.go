package catalog

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// File is what is known of a media file at one moment.
type File struct {
	Seq       uint64
	Clip      ID     // whose it is alone; zero with Continuous
	Day       int32  // days since 1970 of its folder
	Boot      uint32 // in which it was made; 0 unknown
	Base      int64  // ms since 1970 of its first frame; 0 unknown
	Estimated bool   // Base is the latest that it can be
	Settled   bool   // Base is known and on the card, or comes there with the first block: it stays
	Length    time.Duration
	Bytes     int64 // committed
	Room      int64 // what it occupies: preallocated while it is recorded
	Clusters  int32
	Closed    bool
	Going     bool   // it is to be removed, or being removed
	Gone      bool   // it is no longer on the card; its receipts are kept for the clips that have parts of it
	Reason    string // why it was closed, or went
	Sent      Receipts
}

// Name returns the file's name, such as "2026-11-30/0000012a.mkv".
func (f *File) Name() string { return f.Folder() + "/" + fileName(f.Seq) }

// Folder returns the folder of the day.
func (f *File) Folder() string { return folderName(f.Day) }

func fileName(seq uint64) string { return fmt.Sprintf("%08x.mkv", seq) }

func folderName(day int32) string {
	return time.Unix(int64(day)*86400, 0).UTC().Format(time.DateOnly)
}

// parseFolder returns the day of a folder of ours.
func parseFolder(name string) (day int32, ok bool) {
	t, err := time.Parse(time.DateOnly, name)
	return int32(t.Unix() / 86400), err == nil
}

// parseName returns the sequence of a file of ours.
func parseName(name string) (seq uint64, ok bool) {
	hex, found := strings.CutSuffix(name, ".mkv")
	seq, err := strconv.ParseUint(hex, 16, 64)
	return seq, found && err == nil && fileName(seq) == name
}
