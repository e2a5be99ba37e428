package describetest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// NewOpenAI returns a server of OpenAI's chat completions with these models; its URL has no /v1.
func NewOpenAI(models ...string) *Server {
	s := &Server{}
	return s.start(func(w http.ResponseWriter, r *http.Request) {
		if s.Key != "" && r.Header.Get("Authorization") != "Bearer "+s.Key {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error": {"message": "Incorrect API key provided: `+r.Header.Get("Authorization")+`", "type": "invalid_request_error"}}`)
			return
		}
		switch {
		case r.URL.Path == "/v1/models" && r.Method == http.MethodGet:
			list := make([]string, len(models))
			for i, m := range models {
				list[i] = fmt.Sprintf(`{"id": %q, "object": "model"}`, m)
			}
			_, _ = fmt.Fprintf(w, `{"object": "list", "data": [%s]}`, strings.Join(list, ", "))
		case r.URL.Path == "/v1/chat/completions" && r.Method == http.MethodPost:
			s.complete(w, r)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "404 page not found")
		}
	})
}

// completionRequest is the body of a chat completions request.
type completionRequest struct {
	Model    string `json:"model"`
	Messages []struct {
		Role    string `json:"role"`
		Content []struct {
			Type  string `json:"type"`
			Text  string `json:"text"`
			Image *struct {
				URL string `json:"url"`
			} `json:"image_url"`
			Audio *struct {
				Data   []byte `json:"data"`
				Format string `json:"format"`
			} `json:"input_audio"`
		} `json:"content"`
	} `json:"messages"`
	MaxTokens int  `json:"max_tokens"`
	Stream    bool `json:"stream"`
}

func (s *Server) complete(w http.ResponseWriter, r *http.Request) {
	var request completionRequest
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	bad := func(message string) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"error": {"message": %q, "type": "invalid_request_error"}}`, message)
	}
	if err := decoder.Decode(&request); err != nil || request.Stream || len(request.Messages) != 1 || request.Messages[0].Role != "user" {
		bad(fmt.Sprintf("the request is malformed: %v", err))
		return
	}
	a := Asked{Model: request.Model, MaxTokens: request.MaxTokens, Key: strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")}
	for _, p := range request.Messages[0].Content {
		switch p.Type {
		case "text":
			a.Prompt += p.Text
		case "image_url":
			format, coded, found := strings.Cut(strings.TrimPrefix(p.Image.URL, "data:"), ";base64,")
			data, err := base64.StdEncoding.DecodeString(coded)
			if !found || err != nil {
				bad("the image is no data URI")
				return
			}
			a.Media = append(a.Media, Media{Format: format, Data: data})
		case "input_audio":
			a.Media = append(a.Media, Media{Format: p.Audio.Format, Data: p.Audio.Data})
		default:
			bad("unsupported content part type")
			return
		}
	}
	s.reply(w, r, &a, completion)
}

func completion(r *Reply) string {
	finish := r.Finish
	if finish == "" {
		finish = "stop"
	}
	text, _ := json.Marshal(r.Text)
	return fmt.Sprintf(`{"id": "chatcmpl-1", "object": "chat.completion", "choices": [{"index": 0, "message": {"role": "assistant", "content": %s},
		"finish_reason": %q}], "usage": {"prompt_tokens": 300, "completion_tokens": 20, "total_tokens": 320}}`, text, finish)
}
