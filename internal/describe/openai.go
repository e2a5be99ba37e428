package describe

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"ventriloquist/internal/loopback"
	"ventriloquist/internal/messages"
	"ventriloquist/internal/regularfile"
	"ventriloquist/internal/usererr"
)

// openAIFormats are the formats that servers of this kind accept: pictures that all of them can decode, and the two audio
// formats of input_audio.
var openAIFormats = formats(jpegFormat, pngFormat, wavFormat, mp3Format)

// OpenAI is a server with OpenAI's chat completions: Ollama, LM Studio, llama.cpp.
type OpenAI struct {
	endpoint *url.URL
	model    string
	key      string
	client   *http.Client
}

// NewOpenAI returns a client of the server at endpoint, which ends in /v1. Without a model it uses the only one of the server.
func NewOpenAI(ctx context.Context, endpoint, model, key string) (*OpenAI, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, usererr.Invalid(endpointOption, "%q is not an address such as http://127.0.0.1:11434/v1", endpoint)
	}
	if u.User != nil {
		return nil, usererr.Invalid(endpointOption, "contains a password; use DESCRIBE_API_KEY or %v instead", keyFile)
	}
	s := &OpenAI{endpoint: u, model: model, key: key, client: &http.Client{CheckRedirect: noRedirects}}
	if model == "" && !s.Local() {
		return nil, usererr.Invalid(modelOption, "is missing: %s is another machine, which is not asked for its models before you agree to send anything", u.Host)
	}
	if model == "" {
		if s.model, err = s.onlyModel(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Model returns the name of the model.
func (s *OpenAI) Model() string { return s.model }

// Where names the machine.
func (s *OpenAI) Where() string {
	if s.Local() {
		return "this machine (" + s.endpoint.Host + ")"
	}
	return s.endpoint.Host
}

// Local reports whether the address is this machine's own.
func (s *OpenAI) Local() bool { return loopback.Is(s.endpoint.Hostname()) }

// Accepts returns pictures and sound; a video is shown as frames.
func (s *OpenAI) Accepts() Accepted {
	return Accepted{Formats: openAIFormats, Sound: wavFormat, Largest: 64 << 20}
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
			Content *answerText `json:"content"`
			Refusal *string     `json:"refusal"`
		} `json:"message"`
		FinishReason string `json:"finish_reason"`
	} `json:"choices"`
	Usage json.RawMessage `json:"usage"`
}

// answerText is the text of an answer: a string, or in some servers' answers a list of parts, of which those with text count.
type answerText string

func (t *answerText) UnmarshalJSON(value []byte) error {
	if len(value) == 0 || value[0] != '[' {
		return json.Unmarshal(value, (*string)(t))
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if err := json.Unmarshal(value, &parts); err != nil {
		return err
	}
	for _, part := range parts {
		*t += answerText(part.Text)
	}
	return nil
}

// billed returns the tokens that the server says it counted; none if it does not say so in numbers.
func (r *chatResponse) billed() Usage {
	var u struct {
		Prompt     float64 `json:"prompt_tokens"`
		Completion float64 `json:"completion_tokens"`
	}
	if len(r.Usage) == 0 || json.Unmarshal(r.Usage, &u) != nil {
		return Usage{}
	}
	const most = 1 << 40
	return Usage{Input: int64(min(max(u.Prompt, 0), most)), Output: int64(min(max(u.Completion, 0), most))}
}

// Describe sends one request.
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
	answer := Answer{Usage: response.billed()}
	if len(response.Choices) == 0 {
		return answer, &Failure{Outlook: Later, Message: "the server's answer is empty"}
	}
	choice := &response.Choices[0]
	switch {
	case choice.FinishReason == "content_filter":
		return answer, &Refusal{"content_filter"}
	case choice.Message.Refusal != nil && *choice.Message.Refusal != "":
		return answer, &Refusal{"it declined"}
	}
	if choice.Message.Content != nil {
		answer.Text = string(*choice.Message.Content)
	}
	answer.Cut = choice.FinishReason == "length"
	return answer, nil
}

// contentOf returns the media and the prompt of a request.
func contentOf(r *Request) ([]contentPart, error) {
	parts := []contentPart{{Type: "text", Text: r.prompt()}}
	for _, m := range r.Media {
		if m.Text != "" {
			parts = append(parts, contentPart{Type: "text", Text: m.Text})
			continue
		}
		data, err := regularfile.Read(m.Path, largestFile)
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

// largestAnswer is the maximum number of bytes of an answer.
const largestAnswer = 16 << 20

// call makes a request and decodes its answer. Of an error message from the server it quotes only serverWords.
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

// unsupportedWords are how servers say that their model accepts no images or audio.
var unsupportedWords = regexp.MustCompile(`(?i)(image|audio|vision|multi-?modal|mmproj|input_audio|content part|content type).*(not support|unsupported|missing|not allowed|invalid)|` +
	`(not support|unsupported|missing|invalid|does not have|doesn't support).*(image|audio|vision|multi-?modal|mmproj|content part|content type)`)

func (s *OpenAI) failure(response *http.Response, text []byte, r *Request) error {
	message := errorMessage(text)
	f := statusFailure(response.StatusCode, serverWords(message, s.key, r), retryAfter(response.Header, time.Now()))
	shown := len(r.Media) > 0 && r.Media[0].Text == ""
	switch {
	case f.Outlook == Fatal && response.StatusCode < 400: // a redirect
	case f.Outlook == Fatal && response.StatusCode == http.StatusNotFound:
		f.Hint = fmt.Sprintf("%v must end in /v1, and %v must name a model of the server", endpointOption, modelOption)
	case f.Outlook == Fatal:
		f.Hint = fmt.Sprintf("the server rejects the key; set DESCRIBE_API_KEY or %v", keyFile)
	case f.Outlook != Throttled && shown && unsupportedWords.MatchString(message),
		response.StatusCode == http.StatusBadRequest && r.Kind == messages.Audio, response.StatusCode == http.StatusUnsupportedMediaType:
		f.Outlook = Unsupported
	}
	return f
}

// errorMessage returns the message in the body of an error: {"error": {"message": …}}, or {"error": …}.
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

// unnamedModel is the name of the only model of a server that does not list models.
const unnamedModel = "default"

// onlyModel asks the server for its models, of which there must be one.
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
		return "", withAdvice(unreachable(failure))
	}
	var names []string
	for _, m := range list.Data {
		names = append(names, m.ID)
	}
	switch len(names) {
	case 0:
		return "", usererr.With(fmt.Errorf("the server at %s has no model", s.endpoint.Host), "load a vision model, then name it with %v", modelOption)
	case 1:
		return names[0], nil
	}
	return "", usererr.Invalid(modelOption, "must name one of the server's models: %s", strings.Join(names, ", "))
}
