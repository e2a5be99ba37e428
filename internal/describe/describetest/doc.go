// Package describetest has fake servers for tests: Google's Gemini API and OpenAI's chat completions. They check the form of
// requests as the real ones do, and answer what a test tells them to.
//
// In: a function from a request to a Reply. Out: the server, and all requests that it received. It must not know: the package
// under test.
package describetest
