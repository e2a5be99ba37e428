package serve

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"

	"ventriloquist/internal/generate"
	"ventriloquist/internal/usererr"
	"ventriloquist/internal/windows"
)

const (
	maxName      = 256 // bytes
	maxMessages  = 100 // that the model sees: the size of a training window
	droppedTurns = 25  // messages that are dropped together, so that the prompts of the next turns begin alike
	envelope     = 96  // tokens of a line around its text
)

// chat answers POST /v1/chat/completions.
func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	t, q, m, err := s.chatTask(w, r)
	if err != nil {
		err.write(w)
		return
	}
	c := &chatResponse{server: s, task: t, request: q, as: m, id: newID("chatcmpl-"), created: s.options.Now().Unix()}
	if q.stream {
		c.stream(w, r)
	} else {
		c.whole(w, r)
	}
}

// chatTask reads a request and makes its task.
func (s *Server) chatTask(w http.ResponseWriter, r *http.Request) (*task, *request, string, *apiError) {
	f, err := readFields(w, r)
	if err != nil {
		return nil, nil, "", err
	}
	q := s.common(f, s.options.Defaults)
	q.logProbs = f.boolean("logprobs")
	q.refuseIfRemote(s, f)
	if f.integer("top_logprobs", 0, maxTop, &q.sampling.TopLogProbs) && !q.logProbs {
		f.refuse("top_logprobs", "invalid_value", "'top_logprobs' needs 'logprobs'")
	}
	if f.err != nil {
		return nil, nil, "", f.err
	}
	m, as, err := s.find(q.model)
	if err != nil {
		return nil, nil, "", err
	}
	conversation, err := s.conversation(f, m, as)
	if err != nil {
		return nil, nil, "", err
	}
	prompt, err := s.prompt(conversation, m, as)
	if err != nil {
		return nil, nil, "", err
	}
	q.sampling.Raw = false
	q.sampling.MaxNewTokens = q.maxTokens + envelope
	t := newTask(r, m, &q, prompt, as)
	return t, &q, as, t.check()
}

// conversation reads the messages of a request.
func (s *Server) conversation(f *fields, m *Model, as string) (*generate.Conversation, *apiError) {
	var raw []json.RawMessage
	if !f.value("messages", "an array of messages", &raw) {
		f.refuse("messages", "missing_required_parameter", "missing required parameter: 'messages'")
		return nil, f.err
	}
	if len(raw) == 0 {
		f.refuse("messages", "empty_array", "'messages' is empty")
		return nil, f.err
	}
	c := &generate.Conversation{Recall: m.Recall}
	var header windows.Header
	for i, one := range raw {
		inner := fields{prefix: fmt.Sprintf("messages[%d].", i)}
		if json.Unmarshal(one, &inner.raw) != nil || inner.raw == nil {
			f.refuse(fmt.Sprintf("messages[%d]", i), "invalid_type", "'messages[%d]' must be an object", i)
			return nil, f.err
		}
		s.addMessage(&inner, c, &header, m, as)
		if inner.err != nil {
			return nil, inner.err
		}
	}
	members := append(header.Members, as)
	for i := range c.Messages {
		members = append(members, c.Messages[i].Name)
	}
	if s.options.Owner != "" && len(windows.NewHeader("", members, "").Members) < 2 {
		members = append(members, s.options.Owner)
	}
	if header.Start == "" {
		header.Start = windows.StartDate(s.options.Now())
	}
	c.Header = windows.NewHeader(header.Type, members, header.Start)
	return c, nil
}

// addMessage adds a message of a request to the conversation, one for each of its lines. A system message sets the conversation's
// header if it is one, and is ignored otherwise: the model was never trained on instructions.
func (s *Server) addMessage(f *fields, c *generate.Conversation, header *windows.Header, m *Model, as string) {
	role, content := f.text("role"), f.content()
	name := f.text("name")
	if len(name) > maxName {
		f.refuse("name", "string_above_max_length", "'%sname' is longer than %d bytes", f.prefix, maxName)
	}
	switch role {
	case "system", "developer":
		if h, err := windows.ParseHeader([]byte(content)); err == nil && len(h.Members) > 0 && (h.Type == "" || h.Type == "dm" || h.Type == "group") {
			*header = h
		}
		return
	case "user":
		if name == "" {
			name = s.options.Owner
		}
		if name == "" && f.err == nil {
			f.refuse("name", "missing_required_parameter", "'%sname' is missing, and the server does not know the owner's name: set MY_NAME", f.prefix)
		}
	case "assistant":
		if name == "" {
			name = as
		}
	default:
		f.refuse("role", "invalid_value", "'%srole' must be one of system, developer, user and assistant", f.prefix)
	}
	if known, ok := usererr.Match(name, append([]string{as, s.options.Owner}, m.People...)); ok && known != "" {
		name = known
	}
	delta, kind := f.oneOf("delta", windows.Deltas), f.oneOf("content_type", windows.ContentTypes)
	reply := f.quote("reply_to")
	for line := range strings.FieldsFuncSeq(content, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if line = strings.TrimSpace(line); line != "" && f.err == nil {
			c.Messages = append(c.Messages, windows.Message{Name: name, Delta: delta, ReplyTo: reply, ContentType: kind, Text: line})
			delta = windows.Deltas[0]
		}
	}
}

// oneOf reads a label, the first of its values where it is absent.
func (f *fields) oneOf(name string, values []string) string {
	v := f.text(name)
	if v == "" {
		return values[0]
	}
	for _, one := range values {
		if v == one {
			return v
		}
	}
	f.refuse(name, "invalid_value", "'%s' must be one of %s", f.prefix+name, strings.Join(values, " "))
	return v
}

// quote reads the text that a message answers, nil where it answers none.
func (f *fields) quote(name string) *string {
	var text string
	if !f.value(name, "a string or null", &text) {
		return nil
	}
	text = windows.Quote(strings.TrimSpace(text))
	return &text
}

// content returns the text of a message: a string, or parts that are text.
func (f *fields) content() string {
	raw := f.get("content")
	if raw == nil {
		return ""
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var parts []map[string]json.RawMessage
	if json.Unmarshal(raw, &parts) != nil {
		f.wrongType("content", "a string or an array of parts")
		return ""
	}
	var all []string
	for i, p := range parts {
		inner := fields{raw: p, prefix: fmt.Sprintf("%scontent[%d].", f.prefix, i)}
		if kind := inner.text("type"); kind != "text" {
			inner.refuse("type", "invalid_value", "'%stype' must be text: the model reads nothing else", inner.prefix)
		}
		all = append(all, inner.text("text"))
		if inner.err != nil && f.err == nil {
			f.err = inner.err
		}
	}
	return strings.Join(all, "\n")
}

// prompt returns the prompt of a conversation; the oldest messages are dropped to fit.
func (s *Server) prompt(c *generate.Conversation, m *Model, as string) (prompt, *apiError) {
	for {
		long := len(c.Messages) > maxMessages
		var p prompt
		if !long {
			p = m.promptOf(c.PromptLines(as)...)
			long = p.length > s.options.MaxTokens
		}
		switch {
		case !long:
			return p, nil
		case len(c.Messages) <= 1:
			return prompt{}, tooLong(p.length)
		}
		c.Messages = c.Messages[min(droppedTurns, len(c.Messages)/2+1, len(c.Messages)-1):]
		c.Messages[0].Delta = windows.Deltas[0]
	}
}

// chatResponse writes the answer of one request.
type chatResponse struct {
	server  *Server
	task    *task
	request *request
	as      string
	id      string
	created int64
	tokens  int
}

func (c *chatResponse) frame(object string, choices []any) map[string]any {
	return map[string]any{"id": c.id, "object": object, "created": c.created, "model": c.request.model, "choices": choices}
}

func (c *chatResponse) usage() usage {
	u := usage{Prompt: c.task.promptTokens(), Completion: c.tokens}
	u.Total = u.Prompt + u.Completion
	u.Details.Cached = c.task.job.Shared()
	return u
}

// message returns the fields of a message, with the extensions that a window line has.
func (c *chatResponse) message(m *windows.Message, text string) map[string]any {
	fields := map[string]any{"role": "assistant", "content": text, "refusal": nil, "name": c.as}
	if m != nil && m.Delta != "" {
		fields["delta"], fields["content_type"], fields["reply_to"] = m.Delta, m.ContentType, m.ReplyTo
	}
	return fields
}

// whole sends the answer when it is complete.
func (c *chatResponse) whole(w http.ResponseWriter, r *http.Request) {
	all := make([]piece, c.request.n)
	err := c.server.run(r, c.task, func(p piece) error {
		merge(&all[p.choice], p)
		c.tokens += p.tokens
		return nil
	})
	if err != nil {
		err.write(w)
		return
	}
	var choices []any
	for i := range all {
		choices = append(choices, map[string]any{"index": i, "message": c.message(all[i].begins, all[i].text),
			"logprobs": c.logProbs(all[i].probs), "finish_reason": all[i].finish})
	}
	answer := c.frame("chat.completion", choices)
	answer["usage"] = c.usage()
	http.NewResponseController(w).SetWriteDeadline(timeAfter(writeTimeout))
	writeJSON(w, http.StatusOK, answer)
}

func merge(into *piece, p piece) {
	into.text += p.text
	into.probs = append(into.probs, p.probs...)
	if p.begins != nil {
		into.begins = p.begins
	}
	if p.finish != "" {
		into.finish = p.finish
	}
}

// stream sends each piece as it comes.
func (c *chatResponse) stream(w http.ResponseWriter, r *http.Request) {
	out := newEvents(w)
	send := func(choices []any, u any) error {
		frame := c.frame("chat.completion.chunk", choices)
		if c.request.includeUsage {
			frame["usage"] = u
		}
		return out.send(frame)
	}
	begun := make([]bool, c.request.n)
	err := c.server.run(r, c.task, func(p piece) error {
		c.tokens += p.tokens
		delta := map[string]any{}
		switch {
		case p.begins != nil || p.finish != "" && !begun[p.choice]:
			delta = c.message(p.begins, p.text)
			begun[p.choice] = true
		case p.text != "":
			delta["content"] = p.text
		}
		if len(delta) > 0 || len(p.probs) > 0 {
			if err := send([]any{map[string]any{"index": p.choice, "delta": delta, "logprobs": c.logProbs(p.probs), "finish_reason": nil}}, nil); err != nil {
				return err
			}
		}
		if p.finish == "" {
			return nil
		}
		return send([]any{map[string]any{"index": p.choice, "delta": map[string]any{}, "logprobs": nil, "finish_reason": p.finish}}, nil)
	})
	if err == nil && c.request.includeUsage {
		send([]any{}, c.usage())
	}
	out.end(err)
}

// logProbs returns the log probabilities in the form of chat completions, nil where none were asked for.
func (c *chatResponse) logProbs(probs []tokenProb) any {
	if !c.request.logProbs {
		return nil
	}
	content := []any{}
	for _, p := range probs {
		top := []any{}
		for _, t := range p.Top {
			bytes := c.task.model.Tokenizer.TokenBytes(t.ID)
			top = append(top, logProb(strings.ToValidUTF8(string(bytes), "\uFFFD"), bytes, t.LogProb))
		}
		one := logProb(strings.ToValidUTF8(p.text, "\uFFFD"), []byte(p.text), p.LogProb)
		one["top_logprobs"] = top
		content = append(content, one)
	}
	return map[string]any{"content": content, "refusal": nil}
}

func logProb(text string, bytes []byte, value float64) map[string]any {
	numbers := make([]int, len(bytes))
	for i, b := range bytes {
		numbers[i] = int(b)
	}
	return map[string]any{"token": text, "bytes": numbers, "logprob": finite(value)}
}

// finite returns a log probability that JSON can hold; OpenAI gives -9999 for impossible tokens.
func finite(v float64) float64 {
	if math.IsNaN(v) || v < -9999 {
		return -9999
	}
	return v
}
