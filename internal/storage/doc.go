// Package storage keeps files that must survive a power cut.
//
// [FS] is one directory, as narrow as such files need it: they are used at offsets, made durable
// by an explicit Sync, their names by an explicit SyncDir. [Dir] is a directory of the machine;
// package storagetest has one in memory that loses power.
//
// A [Slot] is one small record that changes in place. A [Journal] is a bounded set of records
// whose changes are committed together or not at all. Both prove what they read by checksums;
// nothing rests on names, sizes, times or a rename.
//
// A power cut may lose or tear whatever was not synced, sector by sector and in any order. A
// failed Write or Sync says nothing about what is on the card, and a second Sync of the same file
// may report success without having written anything, so the file is given up. [Classify] tells
// what the trouble is.
package storage
