package describe

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"google.golang.org/genai"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/regularfile"
)

// DefaultModel is the model of Google's that is used unless another is named.
const DefaultModel = "gemini-3-flash-preview"

// geminiFormats are the formats that Gemini accepts (https://ai.google.dev/gemini-api/docs, image, audio, video and document
// understanding). It also accepts HEIC, but converted to JPEG a picture can be sent without its location.
var geminiFormats = formats(jpegFormat, pngFormat, "image/webp", mp3Format, wavFormat, flacFormat, aacFormat, "audio/ogg", "audio/aiff",
	mp4Format, movFormat, "video/webm", "video/mpeg", "video/x-flv", "video/3gpp", pdfFormat)

func formats(list ...string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, f := range list {
		set[f] = true
	}
	return set
}

// Gemini is Google's service.
type Gemini struct {
	client *genai.Client
	model  string
	key    string
	host   string
	clock  clock
}

// NewGemini returns a client with the owner's key. The base URL is Google's unless GOOGLE_GEMINI_BASE_URL names a proxy.
func NewGemini(ctx context.Context, model, key string) (*Gemini, error) {
	base := os.Getenv("GOOGLE_GEMINI_BASE_URL")
	if base == "" {
		base = "https://generativelanguage.googleapis.com/"
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("GOOGLE_GEMINI_BASE_URL is %q, which is not a URL", base)
	}
	// The library logs warnings about environment variables that are not used here.
	defer log.SetOutput(log.Writer())
	log.SetOutput(io.Discard)
	client, err := genai.NewClient(ctx, &genai.ClientConfig{APIKey: key, Backend: genai.BackendGeminiAPI,
		HTTPClient: &http.Client{Transport: &headerKeeper{http.DefaultTransport}, CheckRedirect: noRedirects}, HTTPOptions: genai.HTTPOptions{BaseURL: base}})
	if err != nil {
		return nil, fmt.Errorf("cannot set up the client of Gemini") // the library's error would quote the key
	}
	return &Gemini{client: client, model: model, key: key, host: u.Host, clock: wallClock}, nil
}

// Model returns the name of the model.
func (g *Gemini) Model() string { return g.model }

// Where names the owner of the machine.
func (g *Gemini) Where() string { return "Google (" + g.host + ")" }

// Local is always false: even a proxy on this machine forwards requests to Google.
func (g *Gemini) Local() bool { return false }

// Accepts returns the formats that the API documents.
func (g *Gemini) Accepts() Accepted {
	return Accepted{Formats: geminiFormats, Video: true, Sound: flacFormat, Largest: 2 << 30}
}

// noRedirects keeps a client from following redirects: files must not go to another server.
func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// largestInline is the maximum number of bytes of files in a request: 20 MB in all, as base64. Larger files are uploaded.
const largestInline = 14 << 20

// Describe sends one request. It deletes uploaded files afterwards, also if the request was interrupted.
func (g *Gemini) Describe(ctx context.Context, r *Request) (answer Answer, err error) {
	var headers lastHeaders
	defer func() {
		if recover() != nil { // the library panics on unexpected answers
			err = &Failure{Outlook: Later, Message: "the server's answer is malformed"}
		}
	}()
	ctx = headers.in(ctx)
	parts, uploaded, err := g.parts(ctx, r)
	defer func() { g.delete(ctx, uploaded) }()
	if err != nil {
		return Answer{}, g.failure(ctx, &headers, r, err)
	}
	config := &genai.GenerateContentConfig{MaxOutputTokens: r.longestAnswer(), ThinkingConfig: thinking(g.model)}
	response, err := g.client.Models.GenerateContent(ctx, g.model, []*genai.Content{genai.NewContentFromParts(parts, genai.RoleUser)}, config)
	if err != nil {
		return Answer{}, g.failure(ctx, &headers, r, err)
	}
	return read(response)
}

// parts returns the media and the prompt of a request.
func (g *Gemini) parts(ctx context.Context, r *Request) (parts []*genai.Part, uploaded []string, err error) {
	size := r.size()
	for i := range r.Media {
		m := &r.Media[i]
		var part *genai.Part
		switch {
		case m.Text != "":
			part = genai.NewPartFromText(m.Text)
		case size > largestInline:
			f, err := g.upload(ctx, m)
			if f != nil {
				uploaded = append(uploaded, f.Name)
			}
			if err != nil {
				return nil, uploaded, err
			}
			part = genai.NewPartFromURI(f.URI, m.Format)
		default:
			data, err := regularfile.Read(m.Path, largestInline)
			if err != nil {
				return nil, uploaded, errDamaged
			}
			part = genai.NewPartFromBytes(data, m.Format)
		}
		if r.Kind == messages.Video && !r.Frames {
			part.VideoMetadata = &genai.VideoMetadata{EndOffset: videoLength}
		}
		parts = append(parts, part)
	}
	return append(parts, genai.NewPartFromText(r.prompt())), uploaded, nil
}

// thinking sets the lowest thinking level of a model: thinking is billed as output, and describing needs none.
func thinking(model string) *genai.ThinkingConfig {
	none := int32(0)
	switch {
	case strings.HasPrefix(model, "gemini-2.5-flash"):
		return &genai.ThinkingConfig{ThinkingBudget: &none}
	case strings.HasPrefix(model, "gemini-3") && strings.Contains(model, "flash"):
		return &genai.ThinkingConfig{ThinkingLevel: genai.ThinkingLevelMinimal}
	case strings.HasPrefix(model, "gemini-3"):
		return &genai.ThinkingConfig{ThinkingLevel: genai.ThinkingLevelLow}
	}
	return nil
}

// refusalReasons are finish reasons that mean a refusal.
var refusalReasons = []genai.FinishReason{genai.FinishReasonSafety, genai.FinishReasonRecitation, genai.FinishReasonBlocklist,
	genai.FinishReasonProhibitedContent, genai.FinishReasonSPII, genai.FinishReasonImageSafety, genai.FinishReasonImageProhibitedContent,
	genai.FinishReasonImageRecitation}

// read returns the answer in a response.
func read(response *genai.GenerateContentResponse) (Answer, error) {
	usage := usageOf(response.UsageMetadata)
	answer := Answer{Usage: usage}
	if f := response.PromptFeedback; f != nil && f.BlockReason != "" && f.BlockReason != genai.BlockedReasonUnspecified {
		return answer, refusal(string(f.BlockReason))
	}
	if len(response.Candidates) == 0 || response.Candidates[0] == nil {
		return answer, &Failure{Outlook: Later, Message: "the server's answer is empty"}
	}
	candidate := response.Candidates[0]
	if slices.Contains(refusalReasons, candidate.FinishReason) {
		return answer, refusal(string(candidate.FinishReason))
	}
	var text strings.Builder
	if candidate.Content != nil {
		for _, part := range candidate.Content.Parts {
			if part != nil && !part.Thought {
				text.WriteString(part.Text)
			}
		}
	}
	answer.Text, answer.Cut = text.String(), candidate.FinishReason == genai.FinishReasonMaxTokens
	return answer, nil
}

// usageOf returns what is billed; thinking is billed as output.
func usageOf(u *genai.GenerateContentResponseUsageMetadata) Usage {
	if u == nil {
		return Usage{}
	}
	sound := int64(0)
	for _, d := range u.PromptTokensDetails {
		if d != nil && d.Modality == genai.MediaModalityAudio {
			sound += int64(d.TokenCount)
		}
	}
	return Usage{Input: int64(u.PromptTokenCount) - sound, Sound: sound, Output: int64(u.CandidatesTokenCount) + int64(u.ThoughtsTokenCount)}
}

// Timeouts for an uploaded file to become ready, and for its deletion.
const (
	pollEvery    = 2 * time.Second
	deletionTime = 15 * time.Second
)

// upload uploads a file, without its name, and waits until it is ready. The returned file is not nil if there is one to delete,
// even with an error.
func (g *Gemini) upload(ctx context.Context, m *Medium) (*genai.File, error) {
	f, err := os.Open(m.Path)
	if err != nil {
		return nil, errDamaged
	}
	defer f.Close()
	uploaded, err := g.client.Files.Upload(ctx, f, &genai.UploadFileConfig{MIMEType: m.Format,
		HTTPOptions: &genai.HTTPOptions{Headers: http.Header{"X-Goog-Upload-Header-Content-Length": {fmt.Sprint(m.Size)}}}})
	if err != nil {
		return nil, err
	}
	for name := uploaded.Name; ; {
		switch uploaded.State {
		case genai.FileStateActive:
			return uploaded, nil
		case genai.FileStateFailed:
			return uploaded, &Failure{Message: "the server could not read its file"}
		}
		if err := g.clock.sleep(ctx, pollEvery); err != nil {
			return uploaded, err
		}
		polled, err := g.client.Files.Get(ctx, name, nil)
		if err != nil {
			return uploaded, err
		}
		uploaded = polled
	}
}

// delete deletes uploaded files. Google deletes the rest after 48 hours.
func (g *Gemini) delete(ctx context.Context, names []string) {
	for _, name := range names {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), deletionTime)
		_, _ = g.client.Files.Delete(limited, name, nil)
		cancel()
	}
}
