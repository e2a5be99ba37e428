// Package describetest has servers that speak as models do, for tests: Google's Gemini API and the chat completions of
// OpenAI. They check the form of what they are asked, as the real ones do, and answer what a test tells them to.
//
// What enters: a function from what was asked to a Reply. What leaves: the server, and all that it was asked. It must not
// know the package that it tests.
package describetest
