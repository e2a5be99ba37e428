// Command ollama reads a Modelfile with Ollama's own parser, renders its template with Ollama's own code for messages, and prints the
// prompt and the parameters as JSON.
//
// Usage: go run . MODELFILE ROLE:TEXT…
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ollama/ollama/api"
	"github.com/ollama/ollama/parser"
	"github.com/ollama/ollama/template"
)

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string, turns []string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	modelfile, err := parser.ParseFile(file)
	if err != nil {
		return err
	}
	request, err := modelfile.CreateRequest(filepath.Dir(path))
	if err != nil {
		return err
	}
	parsed, err := template.Parse(request.Template)
	if err != nil {
		return err
	}
	var messages []api.Message
	for _, turn := range turns {
		role, text, _ := strings.Cut(turn, ":")
		messages = append(messages, api.Message{Role: role, Content: text})
	}
	var prompt strings.Builder
	if err := parsed.Execute(&prompt, template.Values{Messages: messages}); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"prompt": prompt.String(), "parameters": request.Parameters, "files": request.Files, "system": request.System,
	})
}
