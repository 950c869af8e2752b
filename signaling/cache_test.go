package signaling

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestCaches(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache.json")
	for name, c := range map[string]Cache{"memory": MemoryCache(), "file": FileCache(path)} {
		t.Run(name, func(t *testing.T) {
			if e, ok := c.Load("a"); ok {
				t.Errorf("an empty cache has %v", e)
			}
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					if err := c.Store(fmt.Sprint(i), Endpoints{ChannelARN: fmt.Sprint("arn", i)}); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			for i := range 8 {
				if e, ok := c.Load(fmt.Sprint(i)); !ok || e.ChannelARN != fmt.Sprint("arn", i) {
					t.Errorf("entry %d: %v, %v", i, e, ok)
				}
			}
		})
	}
	if e, ok := FileCache(path).Load("3"); !ok || e.ChannelARN != "arn3" {
		t.Errorf("after a restart: %v, %v", e, ok)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	for _, damage := range []string{"", "{", "null", "[1]", strings.Repeat("x", 100)} {
		if err := os.WriteFile(path, []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		c := FileCache(path)
		if e, ok := c.Load("3"); ok {
			t.Errorf("%q: %v", damage, e)
		}
		if err := c.Store("n", Endpoints{WSS: "w"}); err != nil {
			t.Errorf("%q: %v", damage, err)
		}
		if e, ok := c.Load("n"); !ok || e.WSS != "w" {
			t.Errorf("%q: %v, %v", damage, e, ok)
		}
	}
	if err := FileCache(filepath.Join(path, "no", "such")).Store("k", Endpoints{}); err == nil {
		t.Error("Store into a missing directory succeeded")
	}
}

func FuzzDecodeCache(f *testing.F) {
	f.Add([]byte(`{"k":{"channelArn":"a","wss":"wss://h"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decodeCache(b)
		if (m == nil) != (err != nil) {
			t.Errorf("%v, %v", m, err)
		}
		c := NewChannels(awsConfig())
		for _, e := range m {
			if err := c.admit(e); err == nil && e.complete(true) && !strings.HasPrefix(strings.ToLower(e.WSS), "wss://") {
				t.Errorf("%+v is admitted", e)
			}
		}
	})
}
