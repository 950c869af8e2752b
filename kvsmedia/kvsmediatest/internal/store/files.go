package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// streamFile is the description in a stream's directory.
const streamFile = "stream.json"

// streamDir is a stream's directory; "." and ".." are valid names of streams.
func (s *Store) streamDir(name string) string { return filepath.Join(s.cfg.Dir, name+".stream") }

// load takes the streams and fragments that Config.Dir holds. What was not
// received whole is removed.
func (s *Store) load() error {
	if s.cfg.Dir == "" {
		return nil
	}
	if err := os.MkdirAll(s.cfg.Dir, 0o700); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(s.cfg.Dir, "*", streamFile))
	if err != nil {
		return err
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var d Description
		if err := json.Unmarshal(data, &d); err != nil || s.streamDir(d.Name) != filepath.Dir(path) {
			return fmt.Errorf("%s does not describe a stream: remove its directory to go on without it", path)
		}
		st := s.newStream(d)
		if err := st.loadFragments(filepath.Dir(path)); err != nil {
			return err
		}
		s.streams[st.Name] = st
		st.prune()
	}
	return nil
}

func (st *Stream) loadFragments(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if filepath.Ext(path) == partExt {
			if err := os.Remove(path); err != nil {
				return err
			}
			continue
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if f, ok := parseFileName(path, info.Size()); ok {
			st.fragments = append(st.fragments, f)
			st.count = max(st.count, countOf(f.Number))
		}
	}
	slices.SortFunc(st.fragments, Compare)
	return nil
}

// save writes a stream's description.
func (s *Store) save(d *Description) error {
	if s.cfg.Dir == "" {
		return nil
	}
	dir := s.streamDir(d.Name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	data, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	temporary := filepath.Join(dir, streamFile+partExt)
	return errors.Join(os.WriteFile(temporary, append(data, '\n'), 0o600),
		os.Rename(temporary, filepath.Join(dir, streamFile)), syncDir(dir))
}

// removeDir removes a stream's directory.
func (s *Store) removeDir(name string) error {
	if s.cfg.Dir == "" {
		return nil
	}
	return os.RemoveAll(s.streamDir(name))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return ignoreUnsupported(d.Sync())
}

// ignoreUnsupported passes over that Windows cannot sync a directory.
func ignoreUnsupported(err error) error {
	if errors.Is(err, os.ErrPermission) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}
