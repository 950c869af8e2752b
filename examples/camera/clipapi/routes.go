package clipapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"

	"github.com/smartcam-sdk/smartcam/camera/recorder"
)

// maxBody is the most of a request's body: an event with all its tags.
const maxBody = 16 << 10

// Pictures, and how large one may be that is posted: the recorder takes up to 1 MiB, and says
// of more why it is left out.
const (
	pictureType = "image/jpeg"
	maxPicture  = 4 << 20
)

// Routes is the http.Handler of the routes; see the package's documentation.
type Routes struct {
	recorder Recorder
	log      *slog.Logger
	mux      http.ServeMux
	films    chan struct{} // one for each film that is being sent
}

// NewRoutes returns the routes to the clips of a recorder.
func NewRoutes(r Recorder, log *slog.Logger) *Routes {
	t := &Routes{recorder: r, log: log, films: make(chan struct{}, maxFilms)}
	t.mux.HandleFunc("GET /clips", t.list)
	t.mux.HandleFunc("GET /clips/{id}", t.clip)
	t.mux.HandleFunc("GET /clips/{id}/receipt", t.receipt)
	t.mux.HandleFunc("GET /clips/{id}/picture", t.picture)
	t.mux.HandleFunc("POST /clips/{id}/protect", t.protect)
	t.mux.HandleFunc("DELETE /clips/{id}", t.delete)
	t.mux.HandleFunc("POST /events", t.event)
	return t
}

// ServeHTTP answers a request.
func (t *Routes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin") // no page of another site shows a film
	t.mux.ServeHTTP(w, r)
}

func (t *Routes) list(w http.ResponseWriter, r *http.Request) {
	q, err := parseQuery(r.URL.Query())
	if err != nil {
		t.refuse(w, err)
		return
	}
	page, err := List(t.recorder, q)
	t.answer(w, page, err)
}

func (t *Routes) clip(w http.ResponseWriter, r *http.Request) {
	if id, ok := strings.CutSuffix(r.PathValue("id"), ".mp4"); ok {
		t.film(w, r, recorder.ClipID(id))
		return
	}
	clip, err := t.recorder.Clip(recorder.ClipID(r.PathValue("id")))
	t.answer(w, clip, err)
}

func (t *Routes) receipt(w http.ResponseWriter, r *http.Request) {
	receipt, err := Receipts(t.recorder, recorder.ClipID(r.PathValue("id")))
	t.answer(w, receipt, err)
}

func (t *Routes) picture(w http.ResponseWriter, r *http.Request) {
	jpeg, err := t.recorder.Picture(recorder.ClipID(r.PathValue("id")), r.URL.Query().Get("event"))
	if err != nil {
		t.refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", pictureType)
	if _, err := w.Write(jpeg); err != nil {
		t.log.Debug("a picture was not sent", "err", err)
	}
}

func (t *Routes) protect(w http.ResponseWriter, r *http.Request) {
	var want struct {
		Protected *bool `json:"protected"`
	}
	if !decode(w, r, "JSON", &want) {
		return
	}
	if want.Protected == nil {
		http.Error(w, `want {"protected": true} or {"protected": false}`, http.StatusBadRequest)
		return
	}
	id := recorder.ClipID(r.PathValue("id"))
	err := t.recorder.Protect(id, *want.Protected)
	var clip recorder.Clip
	if err == nil {
		clip, err = t.recorder.Clip(id)
	}
	t.answer(w, clip, err)
}

func (t *Routes) delete(w http.ResponseWriter, r *http.Request) {
	id := recorder.ClipID(r.PathValue("id"))
	_, err := t.recorder.Clip(id)
	if err == nil {
		err = t.recorder.Delete(id)
	}
	if err != nil {
		t.refuse(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (t *Routes) event(w http.ResponseWriter, r *http.Request) {
	var e recorder.Event
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == pictureType {
		var err error
		if e.Picture, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxPicture)); err != nil {
			http.Error(w, fmt.Sprintf("the picture: %v", err), http.StatusBadRequest)
			return
		}
		e.ID, e.Type = r.URL.Query().Get("id"), r.URL.Query().Get("type")
	} else if !decode(w, r, "JSON, or a JPEG with Content-Type: "+pictureType, &e) {
		return
	}
	if e.PictureKey != "" {
		http.Error(w, "picture is what the recorder sets: post the JPEG itself, with Content-Type: "+pictureType, http.StatusBadRequest)
		return
	}
	id, err := t.recorder.Trigger(e)
	if err != nil { // it is of the event
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	t.answer(w, EventReply{id}, nil)
}

// decode reads a body of JSON, and answers a request that has none with what it has to be.
func decode(w http.ResponseWriter, r *http.Request, what string, want any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(want)
	if err == nil && d.More() {
		err = errors.New("there is something after it")
	}
	if err != nil {
		http.Error(w, fmt.Sprintf("the body has to be %s: %v", what, err), http.StatusBadRequest)
	}
	return err == nil
}

// answer answers with JSON, or with what went wrong.
func (t *Routes) answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		t.refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		t.log.Debug("an answer about clips was not sent", "err", err)
	}
}

// refuse answers with an error.
func (t *Routes) refuse(w http.ResponseWriter, err error) {
	code := http.StatusInternalServerError
	switch {
	case errors.Is(err, recorder.ErrNoClip), errors.Is(err, recorder.ErrNoPicture):
		code = http.StatusNotFound
	case errors.Is(err, errQuery):
		code = http.StatusBadRequest
	default:
		t.log.Warn("a request about clips failed", "err", err)
	}
	http.Error(w, err.Error(), code)
}
