package iotcredstest_test

import (
	"crypto"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/smartcam-sdk/smartcam/iotcreds"
	"github.com/smartcam-sdk/smartcam/iotcreds/iotcredstest"
)

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// retrieve gets credentials for a device once.
func retrieve(t *testing.T, cfg iotcreds.Config) (accessKeyID string, err error) {
	t.Helper()
	p, err := iotcreds.New(cfg)
	do(t, err)
	defer p.Close()
	creds, err := p.Retrieve(t.Context())
	return creds.AccessKeyID, err
}

// A second process with the directory of the first knows what the first one knew.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		first := iotcredstest.NewPipeServer(iotcredstest.Config{Dir: dir})
		old := first.Config("door")
		rotated, err := first.AddThing("door")
		do(t, err)
		yard := first.Config("yard")
		do(t, first.Revoke(old.Certificate.Leaf))
		do(t, first.SetRoleAlias("short", iotcredstest.RoleAlias{Lifetime: 15 * time.Minute}))
		do(t, first.RemoveRoleAlias(iotcredstest.DefaultRoleAlias))
		do(t, first.Allow("yard", "other"))
		do(t, first.Allow("gate"))
		door := first.Config("door")
		door.RoleAlias = "short"
		id, err := retrieve(t, door)
		do(t, err)
		issued, _ := first.Lookup(id)
		do(t, first.Close())

		second := iotcredstest.NewPipeServer(iotcredstest.Config{Dir: dir})
		defer second.Close()
		if again, ok := second.Lookup(id); !ok || again != issued {
			t.Errorf("the credentials are %+v, %v, not %+v", again, ok, issued)
		}
		if identity, ok := second.Identity(id); !ok || identity.Principal != "door" || identity.SessionToken != issued.SessionToken {
			t.Errorf("the identity is %+v, %v", identity, ok)
		}
		// The devices have what the first one gave them, authority included.
		door.DialContext = second.Config("door").DialContext
		if _, err := retrieve(t, door); err != nil {
			t.Errorf("the device that was known: %v", err)
		}
		if got := second.Config("door").Certificate; !slices.Equal(got.Certificate[0], rotated.Certificate[0]) {
			t.Error("the thing has another certificate")
		}
		newest, err := second.AddThing("door")
		do(t, err)
		if got := second.Config("door").Certificate; !slices.Equal(got.Certificate[0], newest.Certificate[0]) {
			t.Error("the thing's newest certificate is not the one that was made last")
		}
		for want, change := range map[string]func(*iotcreds.Config){
			"Certificate is invalid on this endpoint": func(c *iotcreds.Config) { c.Certificate = old.Certificate },
			"Role alias does not exist":               func(c *iotcreds.Config) { c.RoleAlias = iotcredstest.DefaultRoleAlias },
			"Access Denied":                           func(c *iotcreds.Config) { c.ThingName, c.Certificate = "yard", yard.Certificate },
			"Access Denied ":                          func(c *iotcreds.Config) { *c = second.Config("gate") },
		} {
			cfg := door
			change(&cfg)
			_, err := retrieve(t, cfg)
			if refusal := new(iotcreds.Error); !errors.As(err, &refusal) || refusal.Message != strings.TrimSpace(want) {
				t.Errorf("got %v, want %q", err, want)
			}
		}
	})
}

// sealed is a key that cannot leave its store.
type sealed struct{ crypto.Signer }

// The certificate of a key that stays in its store is kept.
func TestRestartWithSealedKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		first := iotcredstest.NewPipeServer(iotcredstest.Config{Dir: dir})
		cfg := first.Config("door")
		key, ok := cfg.Certificate.PrivateKey.(crypto.Signer)
		if !ok {
			t.Fatalf("the key is a %T", cfg.Certificate.PrivateKey)
		}
		var err error
		cfg.Certificate, err = first.AddKey("door", sealed{key})
		do(t, err)
		do(t, first.Close())
		second := iotcredstest.NewPipeServer(iotcredstest.Config{Dir: dir})
		defer second.Close()
		cfg.DialContext = second.Config("door").DialContext
		if _, err := retrieve(t, cfg); err != nil {
			t.Error(err)
		}
	})
}

// Credentials are kept until an hour after their end, and no longer.
func TestExpiredCredentialsAreNotKept(t *testing.T) {
	count := func(dir string) int {
		files, err := os.ReadDir(filepath.Join(dir, "credentials"))
		do(t, err)
		return len(files)
	}
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		first := iotcredstest.NewPipeServer(iotcredstest.Config{Dir: dir})
		id, err := retrieve(t, first.Config("door"))
		do(t, err)
		issued, _ := first.Lookup(id)
		do(t, first.Expire("door")) // which is kept, too
		do(t, first.Close())
		for _, step := range []struct {
			age   time.Duration
			files int
		}{{0, 1}, {time.Hour - time.Nanosecond, 1}, {time.Hour, 0}} {
			time.Sleep(time.Until(issued.Expires.Add(step.age - time.Hour))) // it was ended an hour before
			s := iotcredstest.NewPipeServer(iotcredstest.Config{Dir: dir})
			if got, ok := s.Lookup(id); ok != (step.files == 1) || got.Expires.After(time.Now()) || count(dir) != step.files {
				t.Errorf("after %v: %v, %v, %d files", step.age, got.Expires, ok, count(dir))
			}
			do(t, s.Close())
		}

		// In a service that runs on, new credentials push out the forgotten ones.
		s := iotcredstest.NewPipeServer(iotcredstest.Config{Dir: dir})
		defer s.Close()
		for range 3 {
			_, err := retrieve(t, s.Config("door"))
			do(t, err)
			time.Sleep(2*time.Hour + time.Second)
		}
		if n := count(dir); n != 1 {
			t.Errorf("%d files", n)
		}
	})
}

// A file that cannot be used is named, and left.
func TestCorruptFiles(t *testing.T) {
	dir := t.TempDir()
	s := iotcredstest.NewServer(iotcredstest.Config{Dir: dir})
	_, err := retrieve(t, s.Config("door"))
	do(t, err)
	do(t, s.Allow("door", iotcredstest.DefaultRoleAlias))
	do(t, s.Close())
	files, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
	do(t, err)
	files = append(files, filepath.Join(dir, "ca.pem"), filepath.Join(dir, "ca.key"))
	if len(files) != 6 {
		t.Fatalf("%v", files)
	}
	for _, path := range files {
		whole, err := os.ReadFile(path)
		do(t, err)
		for _, content := range []string{"", "{", string(whole[:len(whole)/2]), `{"Name":"x","Thing":"x"}`} {
			do(t, os.WriteFile(path, []byte(content), 0o600))
			if _, err := iotcredstest.New(iotcredstest.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "remove") {
				t.Errorf("%s, %q: %v", path, content, err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != content {
				t.Errorf("%s was changed", path)
			}
		}
		do(t, os.WriteFile(path, whole, 0o600))
	}
	again, err := iotcredstest.New(iotcredstest.Config{Dir: dir})
	do(t, err)
	_, err = again.AddThing("yard")
	do(t, err)
	do(t, again.Close())
	certificates, err := filepath.Glob(filepath.Join(dir, "certificates", "*.json"))
	do(t, err)
	one, err := os.ReadFile(certificates[0])
	do(t, err)
	other, err := os.ReadFile(certificates[1])
	do(t, err)
	mixed := regexp.MustCompile(`"Fingerprint": "\w+"`)
	do(t, os.WriteFile(certificates[0], mixed.ReplaceAll(other, mixed.Find(one)), 0o600))
	if _, err := iotcredstest.New(iotcredstest.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "fingerprint") {
		t.Errorf("another certificate's fingerprint: %v", err)
	}
	do(t, os.WriteFile(certificates[0], one, 0o600))
	do(t, os.Remove(filepath.Join(dir, "ca.key"))) // half an authority is no reason for a new one
	if _, err := iotcredstest.New(iotcredstest.Config{Dir: dir}); err == nil {
		t.Error("a new authority took the place of the old one")
	}
}

// Where there is a certificate there are the other files of the device, whenever the
// writing of them was cut short.
func TestDeviceFilesCutShort(t *testing.T) {
	s := iotcredstest.NewServer(iotcredstest.Config{})
	defer s.Close()
	for _, name := range []string{"device.json", "private.key", "root-ca.pem"} {
		dir := t.TempDir()
		do(t, os.Mkdir(filepath.Join(dir, name), 0o700)) // which no file replaces
		if err := s.WriteDevice(dir, "door"); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s cannot be written: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "certificate.pem")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("without %s there is a certificate", name)
		}
	}
}
