package demo

// Base is the base model of the demonstration.
const Base = "tiny"

// Step is one command of the demonstration: the arguments of vqctl.
type Step struct {
	Title string
	Args  []string
	Score score // what the command measures
}

// score is what a step measures: perplexity and how often the author is named, before or after training.
type score int

const (
	none score = iota
	before
	after
)

// windowFile is the window file that preprocess writes. Its split, the last two windows of each conversation, keeps the
// demonstration's scores comparable with those of earlier versions; messages.db holds out nothing here.
const windowFile = "data/training_windows.jsonl"

// evaluate prints scores as JSON, which the demonstration reads as a user's script would.
var evaluate = []string{"evaluate", "--data-path", windowFile, "--skip-generation", "--who-said-it", "--json"}

// Steps returns the commands in order.
func Steps() []Step {
	steps := []Step{
		{Title: "Read the message database", Args: []string{"collect", "--source", "chat.db"}},
		{Title: "Cut it into training windows", Args: []string{"preprocess", "--window", "16", "--stride", "14", "--held-out", "0", "--base-model", Base}},
		{Title: "How well does the base model predict the messages held out?",
			Args: append(evaluate[:len(evaluate):len(evaluate)], "--base-model", Base), Score: before},
		{Title: "Learn how these people write", Args: []string{"train", "--data-path", windowFile, "--base-model", Base, "--lora-r", "32", "--lora-alpha", "64",
			"--learning-rate", "2e-3", "--batch-size", "2", "--gradient-accumulation-steps", "1", "--num-epochs", "2", "--warmup-ratio", "0.03",
			"--max-seq-length", "1536", "--logging-steps", "10", "--eval-steps", "59"}},
		{Title: "And how well now?", Args: evaluate, Score: after},
		{Title: "Messages held out, and what the model writes in their places", Args: []string{"evaluate", "--data-path", windowFile, "--side-by-side", "4",
			"--temperature", "0.4", "--min-p", "0.05", "--repetition-penalty", "1.2"}},
	}
	for _, g := range generations {
		steps = append(steps, Step{Title: "The next message as " + g.as, Args: g.args()})
	}
	return steps
}

// generation is a conversation that one person continues.
type generation struct {
	as       string
	members  []string
	messages []string // "name: text"
	seed     string
}

var generations = []generation{
	{"lsfret", []string{Owner}, []string{Owner + ": did you mount the sd card?", "lsfret: no", Owner + ": what does it say?"}, "4"},
	{"cfhowlett", []string{Owner}, []string{Owner + ": which version should i install?", "cfhowlett: 14.04", Owner + ": and how do i update it?"}, "4"},
	{"lotuspsychje", []string{Owner}, []string{Owner + ": hi, how are you?"}, "3"},
}

func (g generation) args() []string {
	args := []string{"generate", "--as", g.as}
	for _, name := range g.members {
		args = append(args, "--member", name)
	}
	for _, m := range g.messages {
		args = append(args, "--message", m)
	}
	// With a date, the messages are the same on every day.
	return append(args, "--start", "2015-05-01", "--temperature", "0.4", "--seed", g.seed)
}
