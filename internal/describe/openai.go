package describe

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/usererr"
)

// openAIFormats are what servers of this kind take: pictures that all of them can decode, and sound in the two forms that
// input_audio knows.
var openAIFormats = formats(jpegFormat, pngFormat, wavFormat, mp3Format)

// OpenAI is a server with the chat completions of OpenAI: Ollama, LM Studio, llama.cpp.
type OpenAI struct {
	endpoint *url.URL
	model    string
	key      string
	client   *http.Client
}

// NewOpenAI is a client of the server at endpoint, which ends in /v1. Without a model, the only one that it has is taken.
func NewOpenAI(ctx context.Context, endpoint, model, key string) (*OpenAI, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, usererr.Invalid(endpointOption, "%q is no address such as http://127.0.0.1:11434/v1", endpoint)
	}
	if u.User != nil {
		return nil, usererr.Invalid(endpointOption, "has a password in it: %v takes one", endpointKey)
	}
	s := &OpenAI{endpoint: u, model: model, key: key, client: &http.Client{CheckRedirect: nowhereElse}}
	if model == "" {
		if s.model, err = s.onlyModel(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Model, Where, Local and Takes make it a Service.
func (s *OpenAI) Model() string { return s.model }

// Where says whose machine it is.
func (s *OpenAI) Where() string {
	if s.Local() {
		return "this machine (" + s.endpoint.Host + ")"
	}
	return s.endpoint.Host
}

// Local is whether the address is this machine's own.
func (s *OpenAI) Local() bool {
	host := s.endpoint.Hostname()
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Takes are pictures and sound; of a video it is shown frames.
func (s *OpenAI) Takes() Takes {
	return Takes{Formats: openAIFormats, Sound: wavFormat, Largest: 64 << 20}
}

// The parts of a message (https://platform.openai.com/docs/api-reference/chat/create).
type contentPart struct {
	Type  string     `json:"type"`
	Text  string     `json:"text,omitempty"`
	Image *imageURL  `json:"image_url,omitempty"`
	Audio *audioData `json:"input_audio,omitempty"`
}

type imageURL struct {
	URL string `json:"url"`
}

type audioData struct {
	Data   string `json:"data"`
	Format string `json:"format"`
}

type chatMessage struct {
	Role    string        `json:"role"`
	Content []contentPart `json:"content"`
}

type chatRequest struct {
	Model     string        `json:"model"`
	Messages  []chatMessage `json:"messages"`
	MaxTokens int32         `json:"max_tokens,omitempty"`
	Stream    bool          `json:"stream"`
}

type chatResponse struct {
	Choices []struct {
		Message struct {
			Content *string `json:"content"`
			Refusal *string `json:"refusal"`
		} `json:"message"`
		FinishReason string `json:"finish_reason"`
	} `json:"choices"`
	Usage struct {
		Prompt     int64 `json:"prompt_tokens"`
		Completion int64 `json:"completion_tokens"`
	} `json:"usage"`
}

// Describe asks the model.
func (s *OpenAI) Describe(ctx context.Context, r *Request) (Answer, error) {
	content, err := contentOf(r)
	if err != nil {
		return Answer{}, err
	}
	body, err := json.Marshal(chatRequest{Model: s.model, Messages: []chatMessage{{"user", content}}, MaxTokens: r.longestAnswer()})
	if err != nil {
		return Answer{}, err
	}
	var response chatResponse
	if err := s.call(ctx, http.MethodPost, "chat/completions", body, &response, r); err != nil {
		return Answer{}, err
	}
	answer := Answer{Usage: Usage{Input: response.Usage.Prompt, Output: response.Usage.Completion}}
	if len(response.Choices) == 0 {
		return answer, &Failure{Outlook: Later, Message: "the server's answer is empty"}
	}
	choice := &response.Choices[0]
	switch {
	case choice.FinishReason == "content_filter":
		return answer, &Refusal{"content_filter"}
	case choice.Message.Refusal != nil && *choice.Message.Refusal != "":
		return answer, &Refusal{"it says so"}
	}
	if choice.Message.Content != nil {
		answer.Text = *choice.Message.Content
	}
	answer.Cut = choice.FinishReason == "length"
	return answer, nil
}

// contentOf is what a request shows and asks.
func contentOf(r *Request) ([]contentPart, error) {
	parts := []contentPart{{Type: "text", Text: r.prompt()}}
	for _, m := range r.Media {
		if m.Text != "" {
			parts = append(parts, contentPart{Type: "text", Text: m.Text})
			continue
		}
		data, err := os.ReadFile(m.Path)
		if err != nil {
			return nil, errDamaged
		}
		coded := base64.StdEncoding.EncodeToString(data)
		if kindOf(m.Format) == messages.Audio {
			parts = append(parts, contentPart{Type: "input_audio", Audio: &audioData{coded, strings.TrimPrefix(m.Format, "audio/")}})
			continue
		}
		parts = append(parts, contentPart{Type: "image_url", Image: &imageURL{"data:" + m.Format + ";base64," + coded}})
	}
	return parts, nil
}

// largestAnswer is how much of an answer is read.
const largestAnswer = 16 << 20

// call makes a request and reads its answer. Of an error that the server explains, no more is told than serverWords.
func (s *OpenAI) call(ctx context.Context, method, path string, body []byte, answer any, r *Request) error {
	request, err := http.NewRequestWithContext(ctx, method, s.endpoint.JoinPath(path).String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if s.key != "" {
		request.Header.Set("Authorization", "Bearer "+s.key)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return errors.Join(ctx.Err(), unanswered(err))
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, largestAnswer))
	if err != nil {
		return errors.Join(ctx.Err(), unanswered(err))
	}
	if response.StatusCode < 200 || response.StatusCode >= 300 {
		return s.failure(response, text, r)
	}
	if json.Unmarshal(text, answer) != nil {
		return &Failure{Outlook: Later, Message: "the server's answer is damaged"}
	}
	return nil
}

// untakenWords are how servers say that their model has no eyes or no ears.
var untakenWords = regexp.MustCompile(`(?i)(image|audio|vision|multi-?modal|mmproj|input_audio|content part|content type).*(not support|unsupported|missing|not allowed|invalid)|` +
	`(not support|unsupported|missing|invalid|does not have|doesn't support).*(image|audio|vision|multi-?modal|mmproj|content part|content type)`)

func (s *OpenAI) failure(response *http.Response, text []byte, r *Request) error {
	said := errorMessage(text)
	f := statusFailure(response.StatusCode, serverWords(said, s.key, r), retryAfter(response.Header, time.Now()))
	shown := len(r.Media) > 0 && r.Media[0].Text == ""
	switch {
	case f.Outlook == Fatal && response.StatusCode == http.StatusNotFound:
		f.Hint = fmt.Sprintf("%v ends in /v1, and %v names a model that the server has", endpointOption, modelOption)
	case f.Outlook == Fatal:
		f.Hint = fmt.Sprintf("the server wants another key: %v", endpointKey)
	case f.Outlook != Throttled && shown && untakenWords.MatchString(said),
		response.StatusCode == http.StatusBadRequest && r.Kind == messages.Audio, response.StatusCode == http.StatusUnsupportedMediaType:
		f.Outlook = Untaken
	}
	return f
}

// errorMessage is the message in an error's body: {"error": {"message": …}}, or {"error": …}.
func errorMessage(text []byte) string {
	var body struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
	}
	if json.Unmarshal(text, &body) != nil {
		return ""
	}
	var nested struct {
		Message string `json:"message"`
	}
	var plain string
	switch {
	case json.Unmarshal(body.Error, &nested) == nil && nested.Message != "":
		return nested.Message
	case json.Unmarshal(body.Error, &plain) == nil && plain != "":
		return plain
	}
	return body.Message
}

// unnamedModel is what the model of a server is called that has one and does not tell its name.
const unnamedModel = "default"

// onlyModel asks the server what models it has.
func (s *OpenAI) onlyModel(ctx context.Context) (string, error) {
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	limited, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := s.call(limited, http.MethodGet, "models", nil, &list, &Request{}); err != nil {
		var failure *Failure
		switch {
		case ctx.Err() != nil || !errors.As(err, &failure):
			return "", err
		case failure.Status == http.StatusNotFound || failure.Status == http.StatusMethodNotAllowed || failure.Status == http.StatusNotImplemented:
			return unnamedModel, nil
		}
		return "", explained(gone(failure))
	}
	var names []string
	for _, m := range list.Data {
		names = append(names, m.ID)
	}
	switch len(names) {
	case 0:
		return "", usererr.With(fmt.Errorf("the server at %s has no model", s.endpoint.Host), "load one that sees pictures, then name it with %v", modelOption)
	case 1:
		return names[0], nil
	}
	return "", usererr.Invalid(modelOption, "must say which of the server's models is asked: %s", strings.Join(names, ", "))
}
