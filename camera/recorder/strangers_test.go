package recorder_test

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
)

// TestNamesOfOthers has somebody put files onto the card that have the names of the folder of the
// day, and of the next files in it: everything is recorded beside them, and they stay.
func TestNamesOfOthers(t *testing.T) {
	for _, day := range []bool{false, true} {
		t.Run(fmt.Sprint(day), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log lines
				u := newUpload(t, func(c *recorder.Config) { c.Uploader, c.Logger = nil, slog.New(slog.NewTextHandler(&log, nil)) })
				defer u.close()
				put := func(name string) bool {
					f, err := u.card.Open(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
					if err != nil {
						return false
					}
					if _, err := f.WriteAt([]byte("a film"), 0); err != nil {
						t.Fatal(err)
					}
					return f.Close() == nil
				}
				var names []string
				if day && put("2026-11-30") {
					names = []string{"2026-11-30"}
				}
				u.record()
				time.Sleep(20 * time.Second)
				at := time.Now()
				first := u.trigger("motion")
				time.Sleep(20 * time.Second)
				u.whole(first, at)
				for round := range 2 {
					for n := range 20 * (round + 1) {
						if name := fmt.Sprintf("2026-11-30/%08x.mkv", n+1); !day && put(name) {
							names = append(names, name)
						}
					}
					event := time.Now()
					id := u.trigger("motion")
					time.Sleep(30 * time.Second)
					u.whole(id, event)
				}
				if st := u.Status(); st.Storage != recorder.StorageReady || st.Foreign != 0 || st.Clips != 3 {
					t.Errorf("%+v", st)
				}
				time.Sleep(time.Minute)
				for _, name := range names {
					f, err := u.card.Open(name, os.O_RDONLY)
					if err != nil {
						t.Error(name, err)
						continue
					}
					if size, err := f.Size(); size != 6 || err != nil {
						t.Errorf("%s has %d bytes: %v", name, size, err)
					}
					f.Close()
				}
				if n := strings.Count(log.String(), "are somebody else's"); n != 1 || len(names) == 0 {
					t.Errorf("it is said %d times:\n%s", n, log.String())
				}
			})
		})
	}
}
