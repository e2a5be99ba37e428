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
	tok, err := tokenizer.Parse("testdata/cut", tokenizer.Files{Tokenizer: content})
	if err != nil {
		fmt.Println(err)
		return
	}
	const text = "hi<|endoftext|>"
	fmt.Println(pieces(tok, tok.Encode(text)))         // recognizes added tokens
	fmt.Println(pieces(tok, tok.EncodeOrdinary(text))) // takes everything for text
	// Output:
	// ["h" "i" "<|endoftext|>"]
	// ["h" "i" "<" "|" "end" "o" "ft" "ext" "|" ">"]
}

func pieces(tok *tokenizer.Tokenizer, ids []int32) string {
	var list []string
	for _, id := range ids {
		list = append(list, string(tok.TokenBytes(id)))
	}
	return fmt.Sprintf("%q", list)
}
