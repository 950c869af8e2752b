package double

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

type thing struct{ Name, Value string }

// load returns what a folder holds, by name.
func load(t *testing.T, dir string) (map[string]string, error) {
	t.Helper()
	f, err := OpenFolder(dir, 10)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	return all, f.Load(func(content []byte) (string, error) {
		var v thing
		err := json.Unmarshal(content, &v)
		if err == nil {
			all[v.Name] = v.Value
		}
		return v.Name, err
	})
}

func TestFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a [new] folder")
	f, err := OpenFolder(dir, 10)
	if err != nil {
		t.Fatal(err)
	}
	// Names that file systems cannot have, or take for one another.
	names := []string{".", "..", "door", "Door", "CON", "a/b", "a_b", strings.Repeat("x", 256), strings.Repeat("x", 255)}
	for _, n := range names {
		for _, value := range []string{"old", "new"} {
			if err := f.Save(n, thing{n, value}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "x"+partial), []byte("{"), 0o600); err != nil { // of a crash
		t.Fatal(err)
	}
	if err := f.Remove("door"); err != nil {
		t.Fatal(err)
	}
	if err := f.Remove("door"); err != nil {
		t.Errorf("what is not there: %v", err)
	}
	all, err := load(t, dir)
	if err != nil || len(all) != len(names)-1 || all["Door"] != "new" || all["door"] != "" {
		t.Errorf("%v, %v", all, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	folded := map[string]bool{}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
		folded[strings.ToLower(e.Name())] = true
	}
	if len(entries) != len(names)-1 || len(folded) != len(entries) {
		t.Errorf("%d files, %d by names without case", len(entries), len(folded))
	}
	var none *Folder
	if err := none.Save("a", thing{}); err != nil || none.Remove("a") != nil || none.Load(nil) != nil {
		t.Error("the nil folder does something")
	}
}

func TestFolderRefuses(t *testing.T) {
	for name, content := range map[string]string{
		"no JSON":          "{",
		"of another name":  `{"Name":"gate"}`,
		"more than 1 MiB":  `{"Name":"door"}` + strings.Repeat(" ", maxDocument),
		"empty":            "",
		"of another shape": `{"Name":5}`,
	} {
		dir := t.TempDir()
		f, err := OpenFolder(dir, 10)
		if err != nil {
			t.Fatal(err)
		}
		path := f.path("door")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := load(t, dir); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "remove it") {
			t.Errorf("%s: %v", name, err)
		}
		if kept, err := os.ReadFile(path); err != nil || string(kept) != content {
			t.Errorf("%s: the file was changed, %v", name, err)
		}
		if err := f.Save("door", thing{"door", strings.Repeat("x", maxDocument)}); err == nil {
			t.Error("a document that cannot be read was written")
		}
	}
}

func TestFolderIsBounded(t *testing.T) {
	dir := t.TempDir()
	f, err := OpenFolder(dir, 10)
	if err != nil {
		t.Fatal(err)
	}
	for i, bad := range []bool{10: true} {
		if err := f.Save(fmt.Sprint(i), thing{Name: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
		if _, err := load(t, dir); (err != nil) != bad || bad && !strings.Contains(err.Error(), dir) {
			t.Errorf("%d files: %v", i+1, err)
		}
	}
}

// A file that cannot be written leaves the old one and nothing beside it.
func TestFailedSave(t *testing.T) {
	dir := t.TempDir()
	f, err := OpenFolder(dir, 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(f.path("door"), "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f.Save("door", thing{"door", ""}); err == nil {
		t.Error("saved")
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || slices.ContainsFunc(entries, func(e os.DirEntry) bool { return !e.IsDir() }) {
		t.Errorf("%v, %v", entries, err)
	}
}

// A reader finds the old content or the new one, never a part.
func TestSaveIsAtomic(t *testing.T) {
	f, err := OpenFolder(t.TempDir(), 10)
	if err != nil {
		t.Fatal(err)
	}
	contents := []thing{{"door", strings.Repeat("a", 100_000)}, {"door", "b"}}
	if err := f.Save("door", contents[0]); err != nil {
		t.Fatal(err)
	}
	written := make(chan error)
	go func() {
		defer close(written)
		for i := range 100 {
			if err := f.Save("door", contents[i%2]); err != nil {
				written <- err
				return
			}
		}
	}()
	for {
		select {
		case err := <-written:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
		var got thing
		if err := f.Load(func(content []byte) (string, error) { return "door", json.Unmarshal(content, &got) }); err != nil || !slices.Contains(contents, got) {
			t.Fatalf("%d bytes, %v", len(got.Value), err)
		}
	}
}
