package describe

import (
	"time"

	"ventriloquist/internal/messages"
)

// The prices of models, in US dollars for a million tokens of the paid tier, as PricesFrom stated them on PricesOn.
const (
	PricesFrom = "https://ai.google.dev/gemini-api/docs/pricing"
	PricesOn   = "2026-07-04"
)

type price struct{ input, sound, output float64 }

var prices = map[string]price{
	"gemini-3-flash-preview": {0.50, 1.00, 3.00},
}

// cost is what tokens cost, in US dollars.
func (p *price) cost(u Usage) float64 {
	return (float64(u.Input)*p.input + float64(u.Sound)*p.sound + float64(u.Output)*p.output) / 1e6
}

// How many tokens Gemini makes of media, as https://ai.google.dev/gemini-api/docs/media-resolution has it of Gemini 3,
// and how many an answer has that was asked for in a few sentences, or in full.
const (
	promptTokens       = 90
	imageTokens        = 1120
	frameTokens        = 70 // of a video, one frame a second
	pageTokens         = 560
	soundTokens        = 32 // a second
	answerTokens       = 70
	spokenTokens       = 4 // a second of speech, written down
	textTokens         = 3 // letters in a token, not to guess too low
	videoLength        = 15 * time.Second
	bytesOfAPage       = 60 << 10
	longestText        = 24 << 10 // of a document that is text
	packedSound        = 2000     // bytes in a second of speech, packed
	plainSound         = 32_000   // and in a second that is not
	mostPages    int64 = 1000
)

// estimate is about what a file of so many bytes is billed for.
func estimate(format string, size int64) Usage {
	switch kindOf(format) {
	case messages.Image:
		return Usage{Input: promptTokens + imageTokens, Output: answerTokens}
	case messages.Video:
		seconds := int64(videoLength / time.Second)
		return Usage{Input: promptTokens + seconds*frameTokens, Sound: seconds * soundTokens, Output: answerTokens}
	case messages.Audio:
		seconds := 1 + size/packedSound
		if format == wavFormat || format == "audio/aiff" {
			seconds = 1 + size/plainSound
		}
		return Usage{Input: promptTokens, Sound: seconds * soundTokens, Output: seconds * spokenTokens}
	}
	if format == textFormat {
		return Usage{Input: promptTokens + min(size, longestText)/textTokens, Output: answerTokens}
	}
	return Usage{Input: promptTokens + min(1+size/bytesOfAPage, mostPages)*pageTokens, Output: answerTokens}
}
