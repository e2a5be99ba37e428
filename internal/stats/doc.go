// Package stats describes a message history: who writes how much, how fast they reply, who starts conversations, the longest
// silences, and whose words and emoji are whose.
//
// In: the messages of messages.db, and who is who. Out: a [Report], which `vqctl stats` prints as JSON, and a web page of it
// ([WritePage]). It must not know: windows, message sources.
//
// Definitions:
//
//   - Reactions do not count as messages; the share of reactions is their share of everything a person sent.
//   - A session ends with a silence of [SessionGap]; whoever writes next starts another.
//   - A reply is the first message within a session after one by someone else. Its time counts for the hour in which that one
//     arrived. A person's replies and starts are those in the direct conversation.
//   - A message whose date is unknown is counted, but not in figures about time.
//   - Distinctive words are those that a person uses more than everyone else, by the log-odds ratio with an informative
//     Dirichlet prior (Monroe, Colaresi and Quinn 2008), ordered by z-score.
package stats
