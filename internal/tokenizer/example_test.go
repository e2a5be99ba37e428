package tokenizer_test

import (
	"fmt"
	"os"
	"path/filepath"

	"ventriloquist/internal/tokenizer"
)

func ExampleTokenizer_Encode() {
	content, err := os.ReadFile(filepath.Join("testdata", "cut", "tokenizer.json"))
	if err != nil {
		fmt.Println(err)
		return
	}
	tok, err := tokenizer.Parse("testdata/cut", content, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	const text = "hi<|endoftext|>"
	for _, id := range tok.Encode(text) { // recognizes added tokens
		fmt.Printf("%q ", tok.TokenBytes(id))
	}
	fmt.Println()
	for _, id := range tok.EncodeOrdinary(text) { // takes everything for text
		fmt.Printf("%q ", tok.TokenBytes(id))
	}
	// Output:
	// "h" "i" "<|endoftext|>"
	// "h" "i" "<" "|" "end" "o" "ft" "ext" "|" ">"
}
