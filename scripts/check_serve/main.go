// Command check_serve checks `vqctl serve` with OpenAI's own Go client. It is a module of its own, so that vqctl does not depend on
// that client. It runs a server with the built-in model on a free port.
//
//	cd scripts/check_serve && go run . [PATH-OF-VQCTL]
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

func main() {
	vqctl := filepath.Join("..", "..", "bin", "vqctl")
	if len(os.Args) > 1 {
		vqctl = os.Args[1]
	}
	if err := run(vqctl); err != nil {
		fmt.Fprintln(os.Stderr, "check_serve:", err)
		os.Exit(1)
	}
	fmt.Println("ok")
}

// run starts a server, checks it, and ends it.
func run(vqctl string) error {
	server := exec.Command(vqctl, "serve", "--base-model", "tiny", "--cpu", "--precision", "f32", "--listen", "127.0.0.1:0")
	server.Env, server.Stderr = append(os.Environ(), "MY_NAME=Ben"), os.Stderr
	out, err := server.StdoutPipe()
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return err
	}
	defer server.Process.Kill()
	first, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("the server says nothing: %w", err)
	}
	address := strings.TrimPrefix(strings.TrimSpace(first), "listening on ")
	client := openai.NewClient(option.WithBaseURL(address+"/v1"), option.WithAPIKey("none"), option.WithMaxRetries(0))
	for _, check := range []func(context.Context, *openai.Client) error{models, chat, streams, refusals, rawText, together} {
		if err := check(context.Background(), &client); err != nil {
			return err
		}
	}
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return server.Wait()
}

func models(ctx context.Context, c *openai.Client) error {
	list, err := c.Models.List(ctx)
	if err != nil {
		return err
	}
	one, err := c.Models.Get(ctx, "Ben")
	if err != nil {
		return err
	}
	if len(list.Data) != 1 || list.Data[0].ID != "Ben" || one.OwnedBy != "vqctl" {
		return fmt.Errorf("the models are %v", list.Data)
	}
	return nil
}

// question is a conversation that Ben answers.
func question(seed int64) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: "Ben", Seed: openai.Int(seed), Messages: []openai.ChatCompletionMessageParamUnion{
		openai.SystemMessage("be nice"), openai.UserMessage([]openai.ChatCompletionContentPartUnionParam{openai.TextContentPart("which ubuntu?")})}}
}

func chat(ctx context.Context, c *openai.Client) error {
	ask := question(1)
	ask.N, ask.Logprobs, ask.TopLogprobs = openai.Int(2), openai.Bool(true), openai.Int(2)
	answer, err := c.Chat.Completions.New(ctx, ask)
	if err != nil {
		return err
	}
	if len(answer.Choices) != 2 {
		return fmt.Errorf("%d choices, want 2", len(answer.Choices))
	}
	text := ""
	for _, t := range answer.Choices[0].Logprobs.Content {
		text += t.Token
	}
	message := answer.Choices[0].Message
	if message.Content == "" || text != message.Content || message.JSON.ExtraFields["name"].Raw() != `"Ben"` {
		return fmt.Errorf("the message is %s, its tokens are %q", message.RawJSON(), text)
	}
	if answer.Usage.TotalTokens != answer.Usage.PromptTokens+answer.Usage.CompletionTokens {
		return fmt.Errorf("the usage is %s", answer.Usage.RawJSON())
	}
	return nil
}

// streams checks that a stream has the text of a whole answer with the same seed.
func streams(ctx context.Context, c *openai.Client) error {
	whole, err := c.Chat.Completions.New(ctx, question(2))
	if err != nil {
		return err
	}
	ask := question(2)
	ask.StreamOptions.IncludeUsage = openai.Bool(true)
	stream := c.Chat.Completions.NewStreaming(ctx, ask)
	var all openai.ChatCompletionAccumulator
	for stream.Next() {
		if !all.AddChunk(stream.Current()) {
			return fmt.Errorf("the client cannot add the chunk %s", stream.Current().RawJSON())
		}
	}
	if err := stream.Err(); err != nil {
		return err
	}
	if got, want := all.Choices[0].Message.Content, whole.Choices[0].Message.Content; got != want || all.Usage.TotalTokens == 0 {
		return fmt.Errorf("streamed %q with %d tokens, want %q", got, all.Usage.TotalTokens, want)
	}
	return nil
}

func refusals(ctx context.Context, c *openai.Client) error {
	nobody, hot := question(1), question(1)
	nobody.Model, hot.Temperature = "Bem", openai.Float(-1)
	for param, ask := range map[string]openai.ChatCompletionNewParams{"model": nobody, "temperature": hot} {
		_, err := c.Chat.Completions.New(ctx, ask)
		var refused *openai.Error
		if !errors.As(err, &refused) || refused.Param != param || refused.Type != "invalid_request_error" {
			return fmt.Errorf("a wrong %s is answered with %v", param, err)
		}
	}
	return nil
}

func rawText(ctx context.Context, c *openai.Client) error {
	answer, err := c.Completions.New(ctx, openai.CompletionNewParams{Model: "Ben", MaxTokens: openai.Int(6), Logprobs: openai.Int(2),
		Prompt: openai.CompletionNewParamsPromptUnion{OfArrayOfStrings: []string{`{"name": "Ada`, "x"}}})
	if err != nil {
		return err
	}
	if len(answer.Choices) != 2 || len(answer.Choices[0].Logprobs.Tokens) != 6 {
		return fmt.Errorf("raw text is %s", answer.RawJSON())
	}
	return nil
}

// together checks that 16 clients at once get what each would get alone.
func together(ctx context.Context, c *openai.Client) error {
	var wait sync.WaitGroup
	var texts [16]string
	var failed [16]error
	for i := range texts {
		wait.Go(func() {
			answer, err := c.Chat.Completions.New(ctx, question(int64(i%4)))
			if failed[i] = err; err == nil {
				texts[i] = answer.Choices[0].Message.Content
			}
		})
	}
	wait.Wait()
	for i := range texts {
		if failed[i] != nil {
			return failed[i]
		}
		if texts[i] != texts[i%4] {
			return fmt.Errorf("client %d got %q, client %d %q with the same seed", i, texts[i], i%4, texts[i%4])
		}
	}
	return nil
}
