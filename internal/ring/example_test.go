package ring_test

import (
	"context"
	"fmt"
	"time"

	"github.com/smartcam-sdk/smartcam/internal/ring"
)

// A reader that joins late begins at the newest key frame.
func Example() {
	r := ring.New[string](ring.Config{Bytes: 1 << 20, Keep: 10 * time.Second})
	for i, name := range []string{"I0", "P1", "P2", "I3", "P4"} {
		r.Push(ring.Item[string]{
			Value: name,
			Key:   name[0] == 'I',
			Size:  1000,
			At:    time.Duration(i) * 40 * time.Millisecond,
		})
	}
	r.Close()

	start, _ := r.NewestKey(0)
	rd := r.Reader(start)
	defer rd.Close()
	for {
		it, skipped, err := rd.Next(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(it.Seq, it.Value, skipped)
	}
	// Output:
	// 4 I3 0
	// 5 P4 0
	// ring: closed
}
