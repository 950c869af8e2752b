package double

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	maxDocument = 1 << 20 // bytes
	extension   = ".json"
	partial     = ".part" // of a file that is being written
)

// Folder keeps a double's resources over a restart: a JSON file for each, readable
// by its owner alone. The nil Folder keeps nothing. The caller sees to it that no two
// calls concern the same resource at once.
type Folder struct {
	dir  string
	most int // files
}

// OpenFolder makes the directory, of which Load reads no more than the given number of
// files, if need be. What was being written when an earlier
// process ended is removed.
func OpenFolder(dir string, most int) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) == partial {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return nil, err
			}
		}
	}
	return &Folder{dir, most}, nil
}

// Load hands the content of each file to take, which returns the name of the resource
// that the file describes. The error names the file that holds none, and what to do;
// nothing is changed.
func (f *Folder) Load(take func(content []byte) (name string, err error)) error {
	if f == nil {
		return nil
	}
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return err
	}
	if len(entries) > f.most {
		return fmt.Errorf("%s holds %d files, more than the %d that are kept there: remove some to go on without them", f.dir, len(entries), f.most)
	}
	for _, e := range entries {
		path := filepath.Join(f.dir, e.Name())
		if e.IsDir() || filepath.Ext(path) != extension {
			continue
		}
		content, err := ReadFile(path)
		if err != nil {
			return err
		}
		name, err := take(content)
		if err == nil && f.path(name) != path {
			err = fmt.Errorf("it describes %q", name)
		}
		if err != nil {
			return fmt.Errorf("%s cannot be used (%w): mend it, or remove it to go on without what it held", path, err)
		}
	}
	return nil
}

// ReadFile reads a file that WriteFile wrote, of up to 1 MiB.
func ReadFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxDocument+1))
	if err == nil && len(content) > maxDocument {
		err = fmt.Errorf("%s has more than %d bytes: mend it, or remove it to go on without what it held", path, maxDocument)
	}
	return content, err
}

// Save writes the resource of that name. It is there, whole, when Save returns; after a
// crash it is as it is or as it was.
func (f *Folder) Save(name string, resource any) error {
	if f == nil {
		return nil
	}
	content, err := json.MarshalIndent(resource, "", "  ")
	if err == nil && len(content) >= maxDocument {
		err = fmt.Errorf("%s would have more than %d bytes", name, maxDocument)
	}
	if err != nil {
		return err
	}
	return WriteFile(f.path(name), append(content, '\n'))
}

// Remove removes the resource of that name, if there is one.
func (f *Folder) Remove(name string) error {
	if f == nil {
		return nil
	}
	if err := os.Remove(f.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return SyncDir(f.dir)
}

func (f *Folder) path(name string) string { return filepath.Join(f.dir, FileName(name)+extension) }

// FileName returns what the file of a resource is called, but for its extension. A hash
// tells names apart that are too long for a file, that file systems take for one another,
// or for something of their own.
func FileName(name string) string {
	sum := sha256.Sum256([]byte(name))
	readable := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, name)
	return readable[:min(len(readable), 64)] + "." + hex.EncodeToString(sum[:8])
}

// WriteFile writes a file that only its owner reads, durably and at once: a reader
// finds the old content or the new one.
func WriteFile(path string, content []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), "*"+partial) // 0600
	if err != nil {
		return err
	}
	_, err = temporary.Write(content)
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes what happened to the names in a directory durable. Windows cannot, which
// is no error.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, os.ErrPermission) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
