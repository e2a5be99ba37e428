package describe

import (
	"time"

	"ventriloquist/internal/messages"
)

// Prices of models in US dollars per million tokens of the paid tier, as stated at PricesFrom on PricesOn.
const (
	PricesFrom = "https://ai.google.dev/gemini-api/docs/pricing"
	PricesOn   = "2026-07-04"
)

type price struct{ input, sound, output float64 }

var prices = map[string]price{
	"gemini-3-flash-preview": {0.50, 1.00, 3.00},
}

// cost returns the cost of tokens in US dollars.
func (p *price) cost(u Usage) float64 {
	return (float64(u.Input)*p.input + float64(u.Sound)*p.sound + float64(u.Output)*p.output) / 1e6
}

// Number of tokens that Gemini counts for media, as https://ai.google.dev/gemini-api/docs/media-resolution states for Gemini 3,
// and number of tokens in answers of a few sentences and in full transcripts.
const (
	promptTokens       = 90
	imageTokens        = 1120
	frameTokens        = 70 // per frame of a video, one frame per second
	pageTokens         = 560
	soundTokens        = 32 // per second
	answerTokens       = 70
	spokenTokens       = 4 // per second of transcribed speech
	textTokens         = 3 // letters per token; a low value, so as not to underestimate
	videoLength        = 15 * time.Second
	bytesOfAPage       = 60 << 10
	longestText        = 24 << 10 // of a text document
	packedSound        = 2000     // bytes per second of compressed speech
	plainSound         = 32_000   // bytes per second of uncompressed speech
	mostPages    int64 = 1000
)

// estimate returns approximately what a file of this size is billed for.
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
