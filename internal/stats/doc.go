// Package stats says what a message history is like: who writes how much, how soon they answer, who begins, how long it was
// ever silent, and which words and emoji are whose.
//
// What enters: the messages of messages.db and who is who. What leaves: a [Report], which is what `vqctl stats` with json
// prints, and a page of it ([WritePage]). It must not know windows, nor where messages come from.
//
// The words, as they are counted here:
//
//   - A reaction is no message; the share of reactions is theirs of all that somebody sent.
//   - A session ends with a silence of [SessionGap]; whoever writes next begins another one.
//   - A reply is the first message within a session after somebody else's. Its time counts for the hour in which that one
//     came. Replies and beginnings of a person are those of the direct conversation.
//   - Words beyond the usual are those that somebody uses more than everybody else does, by the log-odds ratio with an
//     informative Dirichlet prior (Monroe, Colaresi and Quinn 2008); their z-score orders them.
package stats
