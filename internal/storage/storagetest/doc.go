// Package storagetest has a file system in memory that loses what was not synced.
//
// A test runs its subject with [FS.CutAt] set to each operation in turn, and looks at what
// [FS.Restart] finds. Restart shares all data with the FS before, so that thousands of power cuts
// cost little:
//
//	for op := range total {
//		disk := storagetest.New(storagetest.FAT, 64<<20)
//		disk.CutAt(op)
//		subject(disk)
//		look(disk.Restart(coin)) // *rand.Rand
//	}
package storagetest
