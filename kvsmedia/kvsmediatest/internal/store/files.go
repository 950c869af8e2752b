package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/smartcam-sdk/smartcam/internal/testing/double"
)

// streamFile is the description in a stream's directory.
const streamFile = "stream.json"

// maxName is the longest name of a stream, in bytes, that its directory has: file
// systems allow 255, and an extension follows.
const maxName = 200

// streamDir is a stream's directory; "." and ".." are valid names of streams.
func (s *Store) streamDir(name string) string {
	if len(name) > maxName {
		name = double.FileName(name)
	}
	return filepath.Join(s.cfg.Dir, name+".stream")
}

// load takes the streams and fragments that Config.Dir holds. What was not
// received whole is removed.
func (s *Store) load() error {
	if s.cfg.Dir == "" {
		return nil
	}
	if err := os.MkdirAll(s.cfg.Dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(s.cfg.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(s.cfg.Dir, e.Name(), streamFile)
		data, err := double.ReadFile(path)
		if !e.IsDir() || errors.Is(err, os.ErrNotExist) {
			continue
		}
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
	return double.WriteFile(filepath.Join(dir, streamFile), append(data, '\n'))
}

// removeDir removes a stream's directory, the description first: what is left if that is
// cut short is no stream.
func (s *Store) removeDir(name string) error {
	if s.cfg.Dir == "" {
		return nil
	}
	dir := s.streamDir(name)
	if err := os.Remove(filepath.Join(dir, streamFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.RemoveAll(dir)
}
