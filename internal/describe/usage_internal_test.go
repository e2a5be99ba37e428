package describe

import (
	"encoding/json"
	"math"
	"testing"
)

// What a server says of tokens costs no description.
func TestChatResponse_BilledTakesAnything(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Usage{
		`{"prompt_tokens": 300, "completion_tokens": 20}`: {Input: 300, Output: 20}, `{"prompt_tokens": 3e2}`: {Input: 300}, `{"prompt_tokens": -5, "completion_tokens": 1e300}`: {Output: 1 << 40},
		`null`: {}, ``: {}, `[]`: {}, `"many"`: {}, `{"prompt_tokens": "300"}`: {},
	} {
		response := chatResponse{Usage: []byte(text)}
		if got := response.billed(); got != want {
			t.Errorf("%s is %+v, want %+v", text, got, want)
		}
	}
}

// The text of an answer is a string, or a list of parts.
func TestAnswerText_StringOrParts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]answerText{
		`"a cat"`: "a cat", `[{"type": "text", "text": "a "}, {"type": "other"}, {"type": "text", "text": "cat"}]`: "a cat", `[]`: "",
	} {
		var got answerText
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", text, got, err, want)
		}
	}
	for _, text := range []string{`5`, `["a"]`, `{"text": "a"}`} {
		if err := json.Unmarshal([]byte(text), new(answerText)); err == nil {
			t.Errorf("%s is taken for a text", text)
		}
	}
}

func TestUsage_SumsStayInRange(t *testing.T) {
	t.Parallel()
	var u Usage
	for range 3 {
		u.add(Usage{Input: math.MaxInt64, Sound: -5, Output: 7})
	}
	if u.Input < 1<<40 || u.Sound != 0 || u.Output != 21 {
		t.Errorf("the sum is %+v", u)
	}
	u = Usage{Input: math.MaxInt64 - 1<<40}
	if u.add(Usage{Input: 1 << 40}); u.Input <= 0 {
		t.Errorf("the sum is %+v", u)
	}
}
