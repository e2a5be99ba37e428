package describetest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// GoogleError returns the body of an error (google.rpc.Status); details are JSON objects.
func GoogleError(status int, code, message string, details ...string) string {
	said, _ := json.Marshal(message)
	return fmt.Sprintf(`{"error": {"code": %d, "message": %s, "status": %q, "details": [%s]}}`, status, said, code, strings.Join(details, ", "))
}

// NewGemini returns a server of the Gemini API: generateContent, and files with resumable uploads.
func NewGemini() *Server {
	s := &Server{}
	return s.start(s.gemini)
}

func (s *Server) gemini(w http.ResponseWriter, r *http.Request) {
	if s.Key != "" && r.Header.Get("x-goog-api-key") != s.Key {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, GoogleError(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.",
			`{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}`))
		return
	}
	model, asks := strings.CutPrefix(r.URL.Path, "/v1beta/models/")
	model, generates := strings.CutSuffix(model, ":generateContent")
	switch {
	case asks && generates && r.Method == http.MethodPost:
		s.generate(w, r, model)
	case strings.HasPrefix(r.URL.Path, "/upload/v1beta/files"), strings.HasPrefix(r.URL.Path, "/v1beta/files/"):
		s.files.serve(w, r)
	default:
		refuse(w, http.StatusNotFound, "NOT_FOUND", "there is no "+r.URL.Path)
	}
}

// generateRequest is what generateContent takes (https://ai.google.dev/api/generate-content).
type generateRequest struct {
	Contents []struct {
		Role  string `json:"role"`
		Parts []struct {
			Text       string `json:"text"`
			InlineData *struct {
				MIMEType string `json:"mimeType"`
				Data     []byte `json:"data"`
			} `json:"inlineData"`
			FileData *struct {
				MIMEType string `json:"mimeType"`
				FileURI  string `json:"fileUri"`
			} `json:"fileData"`
			VideoMetadata *struct {
				StartOffset string `json:"startOffset"`
				EndOffset   string `json:"endOffset"`
			} `json:"videoMetadata"`
		} `json:"parts"`
	} `json:"contents"`
	GenerationConfig struct {
		MaxOutputTokens int `json:"maxOutputTokens"`
		ThinkingConfig  *struct {
			ThinkingLevel  string `json:"thinkingLevel"`
			ThinkingBudget *int   `json:"thinkingBudget"`
		} `json:"thinkingConfig"`
	} `json:"generationConfig"`
}

func (s *Server) generate(w http.ResponseWriter, r *http.Request, model string) {
	var request generateRequest
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&request); err != nil || len(request.Contents) != 1 || request.Contents[0].Role != "user" {
		refuse(w, http.StatusBadRequest, "INVALID_ARGUMENT", fmt.Sprintf("Invalid JSON payload received: %v", err))
		return
	}
	a := Asked{Model: model, Key: r.Header.Get("x-goog-api-key"), MaxTokens: request.GenerationConfig.MaxOutputTokens}
	if t := request.GenerationConfig.ThinkingConfig; t != nil {
		if a.Thinking = t.ThinkingLevel; t.ThinkingBudget != nil {
			a.Thinking = fmt.Sprint(*t.ThinkingBudget)
		}
	}
	for _, p := range request.Contents[0].Parts {
		var m Media
		switch {
		case p.InlineData != nil:
			m = Media{Format: p.InlineData.MIMEType, Data: p.InlineData.Data}
		case p.FileData != nil:
			data, ready := s.files.data(p.FileData.FileURI)
			if !ready {
				refuse(w, http.StatusBadRequest, "FAILED_PRECONDITION", "The File is not in an ACTIVE state and usage is not allowed.")
				return
			}
			m = Media{Format: p.FileData.MIMEType, Data: data, Uploaded: true}
		default:
			a.Prompt += p.Text
			continue
		}
		if p.VideoMetadata != nil {
			m.EndOffset = p.VideoMetadata.EndOffset
		}
		a.Media = append(a.Media, m)
	}
	s.reply(w, r, &a, geminiAnswer)
}

// geminiAnswer is a response of generateContent that cost 1000 tokens for pictures, 100 for sound and 10 for the answer.
func geminiAnswer(r *Reply) string {
	const usage = `"usageMetadata": {"promptTokenCount": 1100, "candidatesTokenCount": 7, "thoughtsTokenCount": 3, "totalTokenCount": 1110,
		"promptTokensDetails": [{"modality": "IMAGE", "tokenCount": 1000}, {"modality": "AUDIO", "tokenCount": 100}]}`
	if r.Block != "" {
		return fmt.Sprintf(`{"promptFeedback": {"blockReason": %q}, %s}`, r.Block, usage)
	}
	finish := r.Finish
	if finish == "" {
		finish = "STOP"
	}
	text, _ := json.Marshal(r.Text)
	content := fmt.Sprintf(`"content": {"parts": [{"text": "Thinking of cats.", "thought": true}, {"text": %s}], "role": "model"}, `, text)
	if r.Text == "" {
		content = ""
	}
	return fmt.Sprintf(`{"candidates": [{%s"finishReason": %q, "index": 0}], %s, "modelVersion": "gemini"}`, content, finish, usage)
}
