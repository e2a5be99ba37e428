package describetest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// files are those that were uploaded (https://ai.google.dev/api/files).
type files struct {
	mu    sync.Mutex
	held  map[string]*upload
	count int
	// polls is the number of requests for a file before it is ready; with fails it never is.
	polls int
	fails bool
}

type upload struct {
	format string
	length string
	data   []byte
	final  bool
	polls  int
}

// SlowFiles makes uploaded files ready only after the given number of requests for them.
func (s *Server) SlowFiles(polls int) { s.files.polls = polls }

// BadFiles makes the processing of uploaded files fail.
func (s *Server) BadFiles() { s.files.fails = true }

// Held returns the number of files uploaded and not deleted.
func (s *Server) Held() int {
	s.files.mu.Lock()
	defer s.files.mu.Unlock()
	return len(s.files.held)
}

func (f *files) serve(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := strings.TrimPrefix(r.URL.Path, "/v1beta/files/")
	u := f.held[name]
	switch {
	case r.URL.Path == "/upload/v1beta/files":
		f.receive(w, r)
	case u == nil:
		refuse(w, http.StatusForbidden, "PERMISSION_DENIED", "You do not have permission to access the File or it may not exist.")
	case r.Method == http.MethodDelete:
		delete(f.held, name)
		_, _ = io.WriteString(w, "{}")
	case r.Method == http.MethodGet:
		u.polls++
		_, _ = io.WriteString(w, f.describe(name, r))
	default:
		refuse(w, http.StatusMethodNotAllowed, "UNIMPLEMENTED", r.Method)
	}
}

// receive handles the start of an upload, or a piece of it.
func (f *files) receive(w http.ResponseWriter, r *http.Request) {
	command := r.Header.Get("X-Goog-Upload-Command")
	if command == "start" {
		if r.Header.Get("X-Goog-Upload-Protocol") != "resumable" || r.Header.Get("X-Goog-Upload-Header-Content-Type") == "" {
			refuse(w, http.StatusBadRequest, "INVALID_ARGUMENT", "it is no resumable upload")
			return
		}
		if f.held == nil {
			f.held = map[string]*upload{}
		}
		f.count++
		name := fmt.Sprint("file-", f.count)
		f.held[name] = &upload{format: r.Header.Get("X-Goog-Upload-Header-Content-Type"), length: r.Header.Get("X-Goog-Upload-Header-Content-Length")}
		w.Header().Set("X-Goog-Upload-Status", "active")
		w.Header().Set("X-Goog-Upload-URL", "http://"+r.Host+"/upload/v1beta/files?upload_id="+name)
		_, _ = io.WriteString(w, "{}")
		return
	}
	name := r.URL.Query().Get("upload_id")
	u := f.held[name]
	data, err := io.ReadAll(r.Body)
	if u == nil || err != nil || r.Header.Get("X-Goog-Upload-Offset") != fmt.Sprint(len(u.data)) {
		refuse(w, http.StatusBadRequest, "INVALID_ARGUMENT", "the upload is out of step")
		return
	}
	u.data = append(u.data, data...)
	if u.final = strings.Contains(command, "finalize"); !u.final {
		w.Header().Set("X-Goog-Upload-Status", "active")
		_, _ = io.WriteString(w, "{}")
		return
	}
	w.Header().Set("X-Goog-Upload-Status", "final")
	_, _ = fmt.Fprintf(w, `{"file": %s}`, f.describe(name, r))
}

// describe returns a File resource.
func (f *files) describe(name string, r *http.Request) string {
	u := f.held[name]
	state := "PROCESSING"
	switch {
	case f.fails && u.polls > 0:
		state = "FAILED"
	case f.ready(u):
		state = "ACTIVE"
	}
	out, _ := json.Marshal(map[string]string{"name": "files/" + name, "mimeType": u.format, "sizeBytes": fmt.Sprint(len(u.data)),
		"uri": "http://" + r.Host + "/v1beta/files/" + name, "state": state})
	return string(out)
}

func (f *files) ready(u *upload) bool { return u.final && !f.fails && u.polls >= f.polls }

// data returns a file by its URI if it is ready.
func (f *files) data(uri string) (data []byte, ready bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u := f.held[uri[strings.LastIndexByte(uri, '/')+1:]]
	if u == nil || !f.ready(u) || u.length != fmt.Sprint(len(u.data)) {
		return nil, false
	}
	return u.data, true
}
