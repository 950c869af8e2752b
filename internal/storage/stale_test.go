package storage_test

import (
	"testing"

	"github.com/smartcam-sdk/smartcam/internal/storage/storagetest"
)

// What another journal's segment had in the same blocks is no batch of this one, though its checksum
// and index are right.
func TestStaleBatch(t *testing.T) {
	disks := [2]*storagetest.FS{}
	for i := range disks {
		disks[i] = storagetest.New(storagetest.Ext4, 8<<20)
		j := open(t, disks[i], 1<<20)
		for _, record := range []string{"one", "two", "stale"}[:3-i] {
			_, err := j.Append([]byte(record))
			must(t, err)
		}
		must(t, j.Close())
	}
	const third = 3 * 512 // after the header and two batches
	b := get(t, disks[1], "j/00000001.log")
	copy(b[third:], get(t, disks[0], "j/00000001.log")[third:third+512])
	put(t, disks[1], "j/00000001.log", b)
	same(t, records(open(t, disks[1], 1<<20)), map[uint64]string{1: "one", 2: "two"})
}

// The number of a record that damage took is not given again.
func TestNumberOfDamagedRecord(t *testing.T) {
	disk := storagetest.New(storagetest.Ext4, 8<<20)
	j := open(t, disk, 1<<20)
	for range 2 {
		_, err := j.Append([]byte("record"))
		must(t, err)
	}
	must(t, j.Remove(1))
	must(t, j.Close())
	b := get(t, disk, "j/00000001.log")
	b[2*512+50]++
	put(t, disk, "j/00000001.log", b)
	if j = open(t, disk, 1<<20); j.Next() != 3 {
		t.Errorf("%d is next", j.Next())
	}
}
