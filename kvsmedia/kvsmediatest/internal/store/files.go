package kvsmediatest

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
func (s *Service) streamDir(name string) string { return filepath.Join(s.cfg.Dir, name+".stream") }

// load takes the streams and fragments that Config.Dir holds. What was not
// received whole is removed.
func (s *Service) load() error {
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
		st := &stream{changed: make(chan struct{})}
		if err := json.Unmarshal(data, &st.description); err != nil || s.streamDir(st.Name) != filepath.Dir(path) {
			return fmt.Errorf("%s does not describe a stream: remove its directory to go on without it", path)
		}
		if err := st.loadFragments(filepath.Dir(path)); err != nil {
			return err
		}
		s.streams[st.Name] = st
		s.prune(st)
	}
	return nil
}

func (st *stream) loadFragments(dir string) error {
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
		}
	}
	slices.SortFunc(st.fragments, compare)
	return nil
}

// saveStream writes a stream's description.
func (s *Service) saveStream(st *stream) error {
	if s.cfg.Dir == "" {
		return nil
	}
	dir := s.streamDir(st.Name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	data, err := json.MarshalIndent(st.description, "", "  ")
	if err != nil {
		return err
	}
	temporary := filepath.Join(dir, streamFile+partExt)
	return errors.Join(os.WriteFile(temporary, append(data, '\n'), 0o600),
		os.Rename(temporary, filepath.Join(dir, streamFile)), syncDir(dir))
}

// incoming takes a fragment's bytes as they come: into a file if the fragment is
// to be kept there.
type incoming struct {
	file *os.File // nil: data holds them
	data []byte
	size int64
}

// newIncoming begins a fragment of a stream.
func (s *Service) newIncoming(st *stream, archived bool) (*incoming, error) {
	if s.cfg.Dir == "" || !archived {
		return &incoming{}, nil
	}
	file, err := os.CreateTemp(s.streamDir(st.Name), "*"+partExt)
	return &incoming{file: file}, err
}

func (in *incoming) write(b []byte) error {
	in.size += int64(len(b))
	if in.file == nil {
		in.data = append(in.data, b...)
		return nil
	}
	_, err := in.file.Write(b)
	return err
}

// discard drops what came.
func (in *incoming) discard() {
	if in.file != nil {
		_ = in.file.Close()
		_ = os.Remove(in.file.Name()) // what stays is removed after a restart
	}
}

// finish makes the fragment one that survives, and tells f where it is.
func (in *incoming) finish(f *fragment) error {
	if in.file == nil {
		f.data = in.data
		return nil
	}
	dir := filepath.Dir(in.file.Name())
	f.path = filepath.Join(dir, f.fileName())
	if err := errors.Join(in.file.Sync(), in.file.Close()); err != nil {
		return err
	}
	if err := os.Rename(in.file.Name(), f.path); err != nil {
		return err
	}
	return syncDir(dir)
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
