package serve

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/usererr"
)

// Model is an adapter, or the base model alone, with the people that it writes as.
type Model struct {
	Adapter   string // distinguishes several; "" where there is one
	People    []string
	AnyName   bool // it is not known whom it was trained on: it writes as anyone
	Pool      *generate.Pool
	Tokenizer generate.Tokenizer
	Recall    generate.Recall // memories; nil for none
	Remote    Remote          // in the place of Pool and Tokenizer: another server writes
}

// Options are the settings of a server.
type Options struct {
	Models            []*Model // at least one
	Archive           Archive  // nil: the page shows only the model
	Owner             string   // the author of user messages without a name; "" if unknown
	Defaults          generate.Options
	PenaltyWhenGreedy bool          // the repetition penalty of Defaults applies at temperature 0 too
	SeedGiven         bool          // requests without a seed take that of Defaults; otherwise each has its own
	MaxTokens         int           // of a prompt, and of an answer
	Vocabulary        int           // 0 if another server writes
	Parallel          int           // continuations that are written at the same time
	Queue             int           // requests that wait
	Timeout           time.Duration // of a request, waiting included
	Token             string        // that requests must bring; "" for none
	Hosts             []string      // names that requests may be addressed to, besides localhost and addresses
	Origins           []string      // of pages of other sites that may use the server
	Loopback          bool          // it listens on this machine only
	Now               func() time.Time
	Failed            func(error) // is told why the model failed; may be nil
}

// Server answers requests.
type Server struct {
	options   Options
	scheduler *scheduler
	started   time.Time
}

// New starts a server; Close ends it.
func New(o Options) *Server {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Failed == nil {
		o.Failed = func(error) {}
	}
	s := &Server{options: o, started: o.Now()}
	s.scheduler = newScheduler(&o)
	return s
}

// Drain refuses new requests.
func (s *Server) Drain() { s.scheduler.drain() }

// Close drops all requests and stops the scheduler.
func (s *Server) Close() { s.scheduler.close() }

// Handler answers the requests of the API, and sends the page.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", s.listModels)
	mux.HandleFunc("GET /v1/models/{model...}", s.oneModel)
	mux.HandleFunc("POST /v1/chat/completions", s.chat)
	mux.HandleFunc("POST /v1/completions", s.completions)
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	s.addPage(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		failed(http.StatusNotFound, "invalid_request_error", "unknown_url", "unknown request URL: %s %s", r.Method, r.URL.Path).write(w)
	})
	return s.guard(mux)
}

// modelEntry is an item of the list of models.
type modelEntry struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

func (s *Server) entry(id string) modelEntry {
	return modelEntry{ID: id, Object: "model", Created: s.started.Unix(), OwnedBy: "vqctl"}
}

// ids returns the names of all models.
func (s *Server) ids() []string {
	var ids []string
	for _, m := range s.options.Models {
		for _, name := range m.People {
			ids = append(ids, m.id(name))
		}
	}
	return ids
}

// id is the name of the model that writes as a person.
func (m *Model) id(name string) string {
	if m.Adapter == "" {
		return name
	}
	return name + "@" + m.Adapter
}

func (s *Server) listModels(w http.ResponseWriter, _ *http.Request) {
	list := []modelEntry{}
	for _, id := range s.ids() {
		list = append(list, s.entry(id))
	}
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": list})
}

func (s *Server) oneModel(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("model")
	if !slices.Contains(s.ids(), id) {
		s.notFound(id).write(w)
		return
	}
	writeJSON(w, http.StatusOK, s.entry(id))
}

// find returns the model and the person that an id names. Case does not matter, and where several adapters are served a name alone
// means the first that knows it.
func (s *Server) find(id string) (*Model, string, *apiError) {
	for _, m := range s.options.Models {
		for _, name := range m.People {
			if id == m.id(name) {
				return m, name, nil
			}
		}
	}
	for _, m := range s.options.Models {
		if name, ok := usererr.Match(id, m.People); ok {
			return m, name, nil
		}
		if name, adapter := cutAdapter(id); m.Adapter != "" && strings.EqualFold(adapter, m.Adapter) {
			if found, ok := usererr.Match(name, m.People); ok {
				return m, found, nil
			}
			if m.AnyName && name != "" && usererr.Nearest(name, m.People) == "" {
				return m, name, nil
			}
		}
	}
	if m := s.options.Models[0]; m.AnyName && m.Adapter == "" && len(id) <= maxName && usererr.Nearest(id, m.People) == "" { // no typing error
		return m, id, nil
	}
	return nil, "", s.notFound(id)
}

func cutAdapter(id string) (name, adapter string) {
	if at := strings.LastIndexByte(id, '@'); at >= 0 {
		return id[:at], id[at+1:]
	}
	return id, ""
}

// notFound is the error for a model that does not exist, with the most similar one that does.
func (s *Server) notFound(id string) *apiError {
	if len(id) > maxName {
		id = strings.ToValidUTF8(id[:maxName], "") + "…"
	}
	ids := s.ids()
	e := failed(http.StatusNotFound, "invalid_request_error", "model_not_found", "the model %q does not exist", id)
	if suggestion := usererr.Of(usererr.Suggest(e, id, ids, "%q", "the list of models is at /v1/models")); suggestion != "" {
		e.Message += ": " + suggestion
	}
	param := "model"
	e.Param = &param
	return e
}

// newID returns an identifier of a response.
func newID(prefix string) string {
	var b [12]byte
	rand.Read(b[:])
	return prefix + hex.EncodeToString(b[:])
}
