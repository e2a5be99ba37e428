package windows

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"ventriloquist/internal/messages"
)

// The size of what is remembered together, and of what it is looked up by.
const (
	exchangeLines  = 4                // messages of an exchange at most
	exchangePause  = int64(time.Hour) // without a message, after which another exchange begins
	queryMessages  = 8                // the last messages before the target, whose words are looked up
	queryTerms     = 16               // the rarest of these words
	mostCandidates = 8                // exchanges that are tried for the budget
	mostExchanges  = 4                // exchanges that are remembered
)

// The weights of an exchange besides its words.
const (
	recencyDays  = 180  // after so many days, half of what recency adds is left
	recencyShare = 0.5  // of the weight, that recency adds
	personWeight = 1.25 // if the person who is about to write took part
)

// A word in more than one of commonShare exchanges says little, and takes long to look up where there are more than fewExchanges.
const (
	commonShare  = 10
	fewExchanges = 1000
)

const nanosecondsPerDay = int64(24 * time.Hour)

// exchange is a few consecutive messages of a conversation, of one day and without a long pause.
type exchange struct {
	first, last int64  // ids of training_messages
	day         int32  // UTC days since 1970
	people      uint64 // a bit for each of the first 64 members who took part
}

// memoryIndex finds the exchanges of one conversation by their words.
type memoryIndex struct {
	members   []string
	exchanges []exchange // in order of time
	postings  map[string][]int32
}

// dayOf returns the UTC day of a date in nanoseconds.
func dayOf(date int64) int32 {
	day := date / nanosecondsPerDay
	if date%nanosecondsPerDay < 0 {
		day--
	}
	return int32(day)
}

// selectMemories reads what is indexed. Reactions have no words of their own.
const selectMemories = `SELECT id, date, name, text FROM training_messages WHERE id BETWEEN ? AND ? AND content_type <> 'reaction' ORDER BY id`

// newMemoryIndex reads the messages of a conversation that are not held out.
func newMemoryIndex(ctx context.Context, db *messages.DB, members []string, c conversationRange, heldOut []targetRun) (*memoryIndex, error) {
	x := &memoryIndex{members: members, postings: make(map[string][]int32)}
	rows, err := db.SQL().QueryContext(ctx, selectMemories, c.first, c.last)
	if err != nil {
		return nil, db.Explain(err)
	}
	defer rows.Close()
	var lines int
	var lastDate int64
	var name, text []byte
	open := false // the last exchange goes on
	for rows.Next() {
		var id, date int64
		if err := rows.Scan(&id, &date, &name, &text); err != nil {
			return nil, db.Explain(err)
		}
		if isHeldOut(heldOut, id) {
			open = false
			continue
		}
		day := dayOf(date)
		if n := len(x.exchanges); n > 0 {
			day = max(day, x.exchanges[n-1].day) // a clock that was set back
			open = open && lines < exchangeLines && day == x.exchanges[n-1].day && date-lastDate < exchangePause
		}
		if !open {
			x.exchanges = append(x.exchanges, exchange{first: id, day: day})
			lines = 0
		}
		x.add(id, string(name), text)
		lastDate, open = date, true
		lines++
	}
	if err := rows.Err(); err != nil {
		return nil, db.Explain(err)
	}
	return x, nil
}

// isHeldOut reports whether a message is in one of the runs, which are in order.
func isHeldOut(runs []targetRun, id int64) bool {
	_, found := slices.BinarySearchFunc(runs, id, func(r targetRun, id int64) int {
		switch {
		case r.last < id:
			return -1
		case r.first > id:
			return 1
		}
		return 0
	})
	return found
}

// add adds a message to the last exchange.
func (x *memoryIndex) add(id int64, name string, text []byte) {
	at := int32(len(x.exchanges) - 1)
	x.exchanges[at].last = id
	x.exchanges[at].people |= x.bit(name)
	eachTerm(text, func(term []byte) {
		list := x.postings[string(term)]
		if n := len(list); n == 0 || list[n-1] != at {
			x.postings[string(term)] = append(list, at)
		}
	})
}

// bit returns the bit of a member, 0 for others.
func (x *memoryIndex) bit(name string) uint64 {
	if i := slices.Index(x.members, name); i >= 0 && i < 64 {
		return 1 << i
	}
	return 0
}

// before returns how many exchanges are of earlier days.
func (x *memoryIndex) before(day int32) int {
	n, _ := slices.BinarySearchFunc(x.exchanges, day, func(e exchange, day int32) int { return cmp.Compare(e.day, day) })
	return n
}

// eachTerm visits the words of a text, in lower case: runs of letters and digits, two at least. Characters of scripts that have no
// spaces between words are words of their own. The term is valid until visit returns.
func eachTerm(text []byte, visit func(term []byte)) {
	var term [64]byte
	n, runes := 0, 0
	end := func() {
		if runes > 1 {
			visit(term[:n])
		}
		n, runes = 0, 0
	}
	for _, r := range string(text) {
		switch {
		case r < unicode.MaxASCII && (r >= 'a' && r <= 'z' || r >= '0' && r <= '9'):
		case r >= 'A' && r <= 'Z':
			r += 'a' - 'A'
		case r == '\'' && runes > 0: // don't
			continue
		case r <= unicode.MaxASCII:
			end()
			continue
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
			end()
			visit([]byte(string(r)))
			continue
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			r = unicode.ToLower(r)
		case unicode.Is(unicode.Mn, r) || r == '’' && runes > 0:
			continue
		default:
			end()
			continue
		}
		if runes++; n+4 <= len(term) {
			n = len(utf8.AppendRune(term[:n], r))
		}
	}
	end()
}

// queryTerm is a word to look up.
type queryTerm struct {
	text   string
	weight float64 // of the message it is in: the last message weighs most
}

// queryOf returns the words of the last messages.
func queryOf(before []Message) []queryTerm {
	weights := make(map[string]float64)
	rank := 0.0
	for i := len(before) - 1; i >= 0 && rank < queryMessages; i-- {
		if before[i].ContentType == messages.Reaction.String() {
			continue
		}
		weight := 1 / (1 + rank/2)
		eachTerm([]byte(before[i].Text), func(term []byte) {
			weights[string(term)] = max(weights[string(term)], weight)
		})
		rank++
	}
	terms := make([]queryTerm, 0, len(weights))
	for text, weight := range weights {
		terms = append(terms, queryTerm{text, weight})
	}
	slices.SortFunc(terms, func(a, b queryTerm) int { return strings.Compare(a.text, b.text) })
	return terms
}

// found is an exchange with how relevant it is.
type found struct {
	conversation int // index of the list passed to search
	exchange
	score float64
}

// compareFound orders by relevance, and equally relevant ones with the latest first.
func compareFound(a, b found) int {
	return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.day, a.day), cmp.Compare(b.conversation, a.conversation), cmp.Compare(b.first, a.first))
}

// recencyByDays returns the weights of exchanges by their age in days.
var recencyByDays = sync.OnceValue(func() []float64 {
	weights := make([]float64, 30*recencyDays)
	for days := range weights {
		weights[days] = 1 - recencyShare + recencyShare*math.Exp2(-float64(days)/recencyDays)
	}
	return weights
})

// search returns the most relevant exchanges of earlier days, the best first. Nothing of the day or later counts, not even how frequent
// a word is.
func search(list []*memoryIndex, day int32, terms []queryTerm, as string) (best []found) {
	earlier, total := make([]int, len(list)), 0
	for c, x := range list {
		earlier[c] = x.before(day)
		total += earlier[c]
	}
	terms = rarest(list, earlier, total, terms)
	for c, x := range list {
		scores := make([]float32, earlier[c])
		var touched []int32
		for _, t := range terms {
			for _, at := range x.postings[t.text] {
				if int(at) >= earlier[c] {
					break
				}
				if scores[at] == 0 {
					touched = append(touched, at)
				}
				scores[at] += float32(t.weight)
			}
		}
		person, recency := x.bit(as), recencyByDays()
		for _, at := range touched {
			f := found{c, x.exchanges[at], float64(scores[at])}
			f.score *= recency[min(int(day-f.day), len(recency)-1)]
			if f.people&person != 0 {
				f.score *= personWeight
			}
			if len(best) == mostCandidates && compareFound(f, best[mostCandidates-1]) > 0 {
				continue
			}
			place, _ := slices.BinarySearchFunc(best, f, compareFound)
			best = slices.Insert(best, place, f)
			best = best[:min(len(best), mostCandidates)]
		}
	}
	return best
}

// rarest returns the words that say most, with their weights: BM25's, for texts that are too short to hold a word twice.
func rarest(list []*memoryIndex, earlier []int, total int, terms []queryTerm) []queryTerm {
	var kept []queryTerm
	for _, t := range terms {
		frequency := 0
		for c, x := range list {
			n, _ := slices.BinarySearch(x.postings[t.text], int32(earlier[c]))
			frequency += n
		}
		if frequency == 0 || total >= fewExchanges && frequency*commonShare > total {
			continue
		}
		t.weight *= math.Log(1 + (float64(total-frequency)+0.5)/(float64(frequency)+0.5))
		kept = append(kept, t)
	}
	slices.SortStableFunc(kept, func(a, b queryTerm) int { return cmp.Compare(b.weight, a.weight) })
	return kept[:min(len(kept), queryTerms)]
}
