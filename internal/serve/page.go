package serve

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"path"
	"strconv"
	"time"

	"ventriloquist/internal/usererr"
	"ventriloquist/internal/webpage"
	"ventriloquist/internal/windows"
)

// Archive is what the page shows besides the model: the real messages, figures about them, the training run.
type Archive interface {
	Conversations(ctx context.Context) ([]windows.PastConversation, error)
	// Page returns messages of a conversation, the latest before one of them, or of all if before is 0, and reports whether there
	// are earlier ones.
	Page(ctx context.Context, conversation, before int64, limit int) (page []windows.PastMessage, more bool, err error)
	// Statistics and Runs return values for the page, which are sent as JSON.
	Statistics(ctx context.Context) (any, error)
	Runs(ctx context.Context) (any, error)
}

// The page: HTML, style and modules, as they are sent.
//
//go:embed page
var pageFiles embed.FS

// pagePolicy lets the page load its own files and nothing else, refuses inline scripts and styles, and makes browsers that know
// trusted types refuse to turn any text into markup.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

var pageTypes = map[string]string{".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

// isPage reports whether a request is for a file of the page, which holds nothing private.
func isPage(r *http.Request) bool {
	return r.Method == http.MethodGet && (r.URL.Path == "/" || path.Dir(r.URL.Path) == "/page")
}

// addPage adds the page and what it reads.
func (s *Server) addPage(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { sendPageFile(w, "index.html") })
	mux.HandleFunc("GET /page/{file}", func(w http.ResponseWriter, r *http.Request) { sendPageFile(w, r.PathValue("file")) })
	mux.HandleFunc("GET /archive", s.overview)
	if s.options.Archive == nil {
		return
	}
	mux.HandleFunc("GET /archive/conversations", s.conversations)
	mux.HandleFunc("GET /archive/conversations/{id}", s.pastMessages)
	mux.HandleFunc("GET /archive/statistics", archived(s.options.Archive.Statistics))
	mux.HandleFunc("GET /archive/runs", archived(s.options.Archive.Runs))
}

func sendPageFile(w http.ResponseWriter, name string) {
	data, err := pageFiles.ReadFile("page/" + name)
	if err != nil {
		failed(http.StatusNotFound, "invalid_request_error", "unknown_url", "the page has no file %q", name).write(w)
		return
	}
	if name == "page.css" {
		data = append([]byte(webpage.Style()), data...)
	}
	h := w.Header()
	h.Set("Content-Type", pageTypes[path.Ext(name)]+"; charset=utf-8")
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("X-Frame-Options", "DENY")
	w.Write(data)
}

// pageModel is a person that an adapter writes as.
type pageModel struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Adapter string `json:"adapter"`
}

// overview answers GET /archive: what the page offers.
func (s *Server) overview(w http.ResponseWriter, _ *http.Request) {
	models := []pageModel{}
	for _, m := range s.options.Models {
		for _, name := range m.People {
			models = append(models, pageModel{m.id(name), name, m.Adapter})
		}
	}
	d := s.options.Defaults
	writeJSON(w, http.StatusOK, map[string]any{"owner": s.options.Owner, "models": models, "archive": s.options.Archive != nil,
		"most_candidates": min(maxN, s.options.Parallel),
		"defaults":        map[string]any{"temperature": d.Temperature, "top_p": d.TopP, "max_tokens": d.MaxNewTokens}})
}

type pastConversation struct {
	ID       int64     `json:"id"`
	Members  []string  `json:"members"`
	Messages int64     `json:"messages"`
	Last     time.Time `json:"last"`
}

func (s *Server) conversations(w http.ResponseWriter, r *http.Request) {
	found, err := s.options.Archive.Conversations(r.Context())
	if err != nil {
		archiveError(err).write(w)
		return
	}
	list := make([]pastConversation, len(found))
	for i, c := range found {
		list[i] = pastConversation{c.ID, c.Members, c.Messages, c.Last.UTC()}
	}
	writeJSON(w, http.StatusOK, map[string]any{"conversations": list})
}

// pastMessage is a message of the history, with the fields of a window line.
type pastMessage struct {
	ID          int64     `json:"id"`
	Date        time.Time `json:"date"`
	Name        string    `json:"name"`
	Delta       string    `json:"delta"`
	ReplyTo     *string   `json:"reply_to"`
	ContentType string    `json:"content_type"`
	Text        string    `json:"text"`
}

const maxPastMessages = 200

// pastMessages answers GET /archive/conversations/ID?before=ID&limit=N.
func (s *Server) pastMessages(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	before, limit := int64(0), int64(50)
	for name, into := range map[string]*int64{"before": &before, "limit": &limit} {
		if v := r.URL.Query().Get(name); v != "" && err == nil {
			*into, err = strconv.ParseInt(v, 10, 64)
		}
	}
	if err != nil || before < 0 || limit < 1 || limit > maxPastMessages {
		invalid("", "invalid_value", "a conversation is named by its number; before is the number of a message, limit is from 1 to %d", maxPastMessages).write(w)
		return
	}
	page, more, err := s.options.Archive.Page(r.Context(), id, before, int(limit))
	if err != nil {
		archiveError(err).write(w)
		return
	}
	list := make([]pastMessage, len(page))
	for i, m := range page {
		list[i] = pastMessage{m.ID, m.Date.UTC(), m.Name, m.Delta, m.ReplyTo, m.ContentType, m.Text}
	}
	writeJSON(w, http.StatusOK, map[string]any{"messages": list, "more": more})
}

// archived sends what get returns.
func archived(get func(context.Context) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		value, err := get(r.Context())
		if err != nil {
			archiveError(err).write(w)
			return
		}
		writeJSON(w, http.StatusOK, value)
	}
}

// archiveError is the error for something that could not be read, with what to do about it.
func archiveError(err error) *apiError {
	if errors.Is(err, windows.ErrNoConversation) {
		return failed(http.StatusNotFound, "invalid_request_error", "not_found", "%v", err)
	}
	e := failed(http.StatusServiceUnavailable, "server_error", "archive", "%v", err)
	if hint := usererr.Of(err); hint != "" {
		e.Message += ": " + hint
	}
	return e
}
