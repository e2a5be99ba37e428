package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/joho/godotenv"
)

// The limits of a .env file.
const (
	largestDotEnv  = 64 << 10
	largestSetting = 64 << 10 // a value, with the values of the variables in it
	mostLines      = 100      // of a value in quotes
)

// dotEnvVariable matches what godotenv replaces by the value of a variable.
var dotEnvVariable = regexp.MustCompile(`\$\(?\{?([A-Z0-9_]+)`)

// checkSettings parses the settings of a .env file one by one. It says which line is not valid, or has a value that refers to others
// until it would fill the memory; "" if none.
func checkSettings(lines []string) (cause string) {
	sizes := make(map[string]int)
	for at := 0; at < len(lines); {
		setting, used := firstSetting(lines[at:])
		if used == 0 {
			if opensQuote(lines[at]) {
				return fmt.Sprintf("line %d has a quotation mark that is not closed", at+1)
			}
			return fmt.Sprintf("line %d is not valid", at+1)
		}
		size := 0
		for _, line := range lines[at : at+used] {
			size += len(line)
			for _, reference := range dotEnvVariable.FindAllStringSubmatch(line, -1) {
				size += sizes[reference[1]]
			}
		}
		if size > largestSetting {
			return fmt.Sprintf("line %d has a value longer than %d KiB", at+1, largestSetting>>10)
		}
		for name := range setting {
			sizes[name] = size
		}
		at += used
	}
	return ""
}

// opensQuote reports whether the value of a line begins with a quotation mark that the line does not close.
func opensQuote(line string) bool {
	_, value, _ := strings.Cut(line, "=")
	value = strings.TrimSpace(value)
	return value != "" && strings.ContainsRune(`"'`, rune(value[0])) && strings.Count(value, value[:1]) == 1
}

// firstSetting parses the fewest lines that are valid by themselves, and returns how many they are; 0 if there are none.
func firstSetting(lines []string) (setting map[string]string, used int) {
	for used = 1; used <= min(len(lines), mostLines); used++ {
		setting, err := godotenv.Unmarshal(strings.Join(lines[:used], ""))
		if err == nil {
			return setting, used
		}
		if !strings.ContainsAny(lines[0], `"'`) {
			break
		}
	}
	return nil, 0
}
