package describe

import "ventriloquist/internal/messages"

// common is what every description should be like: it takes the place of the attachment in a conversation.
const common = " Answer with the description alone, as plain text on one line: no introduction, no headings, no lists, no quotation marks around it."

// prompts are the prompts by kind.
var prompts = map[messages.Kind]string{
	messages.Image: "Describe this picture, which somebody sent in a chat, in 1 to 3 short sentences: what it is (photo, screenshot, meme, drawing), " +
		"what is to be seen, and any words that matter to its point." + common,
	messages.Video: "Describe this beginning of a video, which somebody sent in a chat, in 1 to 3 short sentences: what happens, and what is said if it matters." + common,
	messages.Audio: "Write down what is said in this voice message, from its beginning to its end, word for word, in the language that is spoken. " +
		"Leave out fillers such as um. If nobody speaks, say in a few words what is to be heard, in parentheses. " +
		"Answer with the transcript alone, as plain text on one line: no introduction, no times, no names of speakers.",
	messages.Document: "Summarize this document, which somebody sent in a chat, in 1 to 3 short sentences: what kind of document it is, from whom, and what it says." + common,
}

// framesPrompt is for models that accept pictures but not videos.
const framesPrompt = "These pictures are frames of the beginning of a video, a few seconds apart, which somebody sent in a chat. " +
	"Describe the video in 1 to 3 short sentences: what happens in it. Do not mention frames or pictures." + common

// prompt returns the prompt of a request.
func (r *Request) prompt() string {
	if r.Frames {
		return framesPrompt
	}
	return prompts[r.Kind]
}

// longestAnswer returns the maximum number of tokens of an answer; 0 is the model's own limit: voice messages are transcribed in
// full.
func (r *Request) longestAnswer() int32 {
	if r.Kind == messages.Audio {
		return 0
	}
	return 2048
}
