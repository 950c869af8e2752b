package clipapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
)

const (
	maxFilms     = 8                // films that are sent at a time
	filmDeadline = 15 * time.Second // for one write to whom a film is sent
)

// film serves a clip as MP4, with ranges. Its ETag tells how long the film is and whether
// its clip has ended, which gives it another beginning.
func (t *Routes) film(w http.ResponseWriter, r *http.Request, id recorder.ClipID) {
	select {
	case t.films <- struct{}{}:
		defer func() { <-t.films }()
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, fmt.Sprintf("%d films are being fetched already", maxFilms), http.StatusServiceUnavailable)
		return
	}
	clip, err := t.recorder.Clip(id)
	if err != nil {
		t.refuse(w, err)
		return
	}
	film, err := t.recorder.MP4(id)
	switch {
	case err != nil && !clip.OnDevice:
		http.Error(w, fmt.Sprintf("this clip is %v and not on the device", clip.State), http.StatusGone)
		return
	case err != nil:
		t.refuse(w, err)
		return
	}
	defer film.Close()
	size, err := film.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = film.Seek(0, io.SeekStart)
	}
	if err != nil {
		t.refuse(w, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "video/mp4")
	h.Set("Content-Disposition", fmt.Sprintf("inline; filename=%q", string(id)+".mp4"))
	h.Set("ETag", fmt.Sprintf(`"%s-%d-%t"`, id, size, clip.Reason != ""))
	steady := &steadyWriter{w, http.NewResponseController(w)}
	http.ServeContent(steady, r, "", time.Time{}, film)
	steady.end()
}

// steadyWriter writes an answer of any length to who takes it steadily: the deadline is
// that of a write, not of the whole.
type steadyWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

// Write writes a part of the answer.
func (s *steadyWriter) Write(p []byte) (int, error) {
	if err := s.deadline(time.Now().Add(filmDeadline)); err != nil {
		return 0, err
	}
	return s.ResponseWriter.Write(p)
}

// end sends what is left and takes the deadline away.
func (s *steadyWriter) end() {
	if s.control.Flush() == nil {
		_ = s.deadline(time.Time{}) // the connection is of no use then
	}
}

// deadline sets the deadline of writes, if there can be one.
func (s *steadyWriter) deadline(t time.Time) error {
	if err := s.control.SetWriteDeadline(t); !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}
