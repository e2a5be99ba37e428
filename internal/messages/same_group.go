package messages

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strings"
)

// Most programs store who wrote in a group, not who is in it, and an export has only part of the messages. So one group has other
// members in each source. Chats of several sources that share messages are one group: its members are those that a source lists, else
// everyone who wrote in one of the chats.

// sameGroups finds the chats that are one group.
type sameGroups struct {
	reader *Reader
	groups []*groupChat // by chat
	of     map[int64]*groupChat
}

// groupChat is a chat of a group.
type groupChat struct {
	*chat
	source      string
	listed      bool            // its source lists who was in it when
	apple       bool            // its source is Apple's database, whose list holds
	people      map[string]bool // who wrote, or who was ever in it
	first, last int64           // dates of its messages
	shown       bool            // it has any
	same        *groupChat      // another chat of the group; nil for the chat that stands for all
}

// representative returns the chat that stands for all chats of the group.
func (g *groupChat) representative() *groupChat {
	for g.same != nil {
		g = g.same
	}
	return g
}

func (g *groupChat) join(other *groupChat) {
	if a, b := g.representative(), other.representative(); a != b {
		b.same = a
	}
}

// joinGroups gives the chats of one group the same members.
func (r *Reader) joinGroups(ctx context.Context) error {
	s := sameGroups{reader: r, of: make(map[int64]*groupChat)}
	if err := s.read(ctx); err != nil || !s.several() {
		return err
	}
	s.joinChatsOfSource()
	if err := s.joinByIdentifier(ctx); err != nil {
		return err
	}
	if err := s.joinByWords(ctx); err != nil {
		return err
	}
	s.setMembers()
	return nil
}

// read reads the groups, and when their messages were sent.
func (s *sameGroups) read(ctx context.Context) error {
	const ends = `SELECT m.date FROM message m INDEXED BY message_order WHERE m.chat = ? AND ` + isShown + ` ORDER BY m.date >> 30 `
	r := s.reader
	for _, id := range sortedKeys(r.chats) {
		c := r.chats[id]
		if !c.group || len(c.periods) == 0 {
			continue
		}
		g := &groupChat{chat: c, source: r.sources[c.source], listed: c.number.Valid, apple: c.number.Valid && isApple(r.sources[c.source]), people: make(map[string]bool)}
		for i := range c.periods {
			for _, m := range c.periods[i].members {
				g.people[r.person(r.handles.addresses[m.handle])] = true
			}
		}
		take := func(date *int64) func(*sql.Rows) error {
			return func(rows *sql.Rows) error {
				g.shown = true
				return rows.Scan(date)
			}
		}
		err := each(ctx, r.q, ends+`LIMIT 1`, take(&g.first), id)
		if err == nil {
			err = each(ctx, r.q, ends+`DESC LIMIT 1`, take(&g.last), id)
		}
		if err != nil {
			return err
		}
		s.groups = append(s.groups, g)
		s.of[id] = g
	}
	return nil
}

// several reports whether there can be two chats of a group whose members are not the same.
func (s *sameGroups) several() bool {
	return len(s.groups) > 1 && slices.ContainsFunc(s.groups, func(g *groupChat) bool { return !g.apple })
}

// joinChatsOfSource joins what later exports of a chat left of earlier ones.
func (s *sameGroups) joinChatsOfSource() {
	bySource := make(map[int64]*groupChat)
	for _, g := range s.groups {
		if g.listed || !isOneChat(g.source) {
			continue
		}
		if bySource[g.chat.source] == nil {
			bySource[g.chat.source] = g
		}
		bySource[g.chat.source].join(g)
	}
}

const (
	sampledSpots = 12 // of the time of a chat
	sampledRows  = 4  // at each of them
)

// sample calls visit for some of the messages of a group in a time.
func (s *sameGroups) sample(ctx context.Context, g *groupChat, from, to int64, visit func(m *sampledMessage) error) error {
	seen := make(map[int64]bool)
	for spot := range int64(sampledSpots) {
		var list []sampledMessage
		err := each(ctx, s.reader.q, `SELECT m.id, m.date, m.sender, m.kind, m.text, m.guid FROM message m INDEXED BY message_order
			WHERE m.chat = ? AND m.date >> 30 BETWEEN ? AND ? AND `+isShown+` ORDER BY m.date >> 30 LIMIT ?`, func(rows *sql.Rows) error {
			var m sampledMessage
			err := rows.Scan(&m.id, &m.date, &m.sender, &m.kind, &m.text, &m.guid)
			if m.guid = clone(m.guid); !seen[m.id] {
				list = append(list, m)
			}
			seen[m.id] = true
			return err
		}, g.id, (from+(to-from)/sampledSpots*spot)>>30, to>>30, sampledRows)
		if err != nil {
			return err
		}
		for i := range list {
			if err := visit(&list[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// errEnough ends sample early.
var errEnough = errors.New("enough messages are known")

type sampledMessage struct {
	id, date, sender int64
	kind             Kind
	text             string
	guid             any
}

// clone copies what a row holds only until the next one.
func clone(value any) any {
	if b, is := value.([]byte); is {
		return slices.Clone(b)
	}
	return value
}

// joinByIdentifier joins the chats that hold a message of the same identifier.
func (s *sameGroups) joinByIdentifier(ctx context.Context) error {
	if n, err := integer(ctx, s.reader.q, `SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name = 'message_guid'`); err != nil || n == 0 {
		return err
	}
	for _, g := range s.groups {
		if !g.shown {
			continue
		}
		err := s.sample(ctx, g, g.first, g.last, func(m *sampledMessage) error {
			return each(ctx, s.reader.q, `SELECT o.chat FROM message o INDEXED BY message_guid WHERE o.guid = ?1 AND o.chat <> ?2 AND o.kind < 10`, func(rows *sql.Rows) error {
				var chat int64
				err := rows.Scan(&chat)
				if other := s.of[chat]; other != nil && (!g.apple || !other.apple) {
					g.join(other)
				}
				return err
			}, m.guid, g.id)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fewShared is how many messages two chats must share if each has people that the other does not have: what was sent to two groups at
// once makes them no one group.
const fewShared = 3

// joinByWords joins chats of two sources of which each holds more messages of the other than any chat of its source does.
func (s *sameGroups) joinByWords(ctx context.Context) error {
	best := make(map[*groupChat]map[string]match)
	note := func(g *groupChat, m match) {
		if best[g] == nil {
			best[g] = make(map[string]match)
		}
		switch former, known := best[g][m.with.source]; {
		case !known, m.compare(former) > 0:
			best[g][m.with.source] = m
		case m.compare(former) == 0:
			former.ambiguous = true
			best[g][m.with.source] = former
		}
	}
	pairs, err := s.candidates(ctx)
	if err != nil {
		return err
	}
	for _, pair := range pairs {
		g, other := pair[0], pair[1]
		shared, err := s.shared(ctx, g, other)
		if err != nil {
			return err
		}
		if common := g.common(other); shared >= fewShared || shared > 0 && common == min(len(g.people), len(other.people)) {
			note(g, match{with: other, shared: shared, people: common})
			note(other, match{with: g, shared: shared, people: common})
		}
	}
	for _, g := range s.groups {
		for _, source := range slices.Sorted(maps.Keys(best[g])) {
			m := best[g][source]
			if back := best[m.with][g.source]; !m.ambiguous && !back.ambiguous && back.with == g {
				g.join(m.with)
			}
		}
	}
	return nil
}

// fewPairs is how many pairs of chats are compared without asking first which ones have words in common.
const fewPairs = 500

// candidates returns the pairs of chats that may be one group.
func (s *sameGroups) candidates(ctx context.Context) (pairs [][2]*groupChat, err error) {
	for i, g := range s.groups {
		for _, other := range s.groups[i+1:] {
			if g.mayBe(other) {
				pairs = append(pairs, [2]*groupChat{g, other})
			}
		}
	}
	if len(pairs) <= fewPairs {
		return pairs, nil
	}
	chats := make(map[int64]bool)
	for _, pair := range pairs {
		chats[pair[0].id], chats[pair[1].id] = true, true
	}
	common, err := commonWords(ctx, s.reader.q, sortedKeys(chats))
	return slices.DeleteFunc(pairs, func(p [2]*groupChat) bool { return !common[pairOf(p[0].id, p[1].id)] }), err
}

// match is a chat that holds messages of another one.
type match struct {
	with           *groupChat
	shared, people int
	ambiguous      bool // another chat holds as many
}

func (m *match) compare(other match) int {
	return cmp.Or(cmp.Compare(m.shared, other.shared), cmp.Compare(m.people, other.people))
}

// mayBe reports whether two chats may be one group: of the people in one of them, some are in the other, and they overlap in time.
func (g *groupChat) mayBe(other *groupChat) bool {
	return (!g.apple || !other.apple) && g.chat.source != other.chat.source && g.shown && other.shown && g.representative() != other.representative() &&
		g.first <= other.last+minute && other.first <= g.last+minute && (len(g.people) == 0 || len(other.people) == 0 || g.common(other) > 0)
}

// common returns how many people are in both chats.
func (g *groupChat) common(other *groupChat) (n int) {
	for p := range g.people {
		if other.people[p] {
			n++
		}
	}
	return n
}

// shared returns how many of some messages of two chats both hold; 0 unless one of them holds most of those of the other.
func (s *sameGroups) shared(ctx context.Context, g, other *groupChat) (most int, err error) {
	from, to := max(g.first, other.first)-minute, min(g.last, other.last)+minute
	for _, pair := range [][2]*groupChat{{g, other}, {other, g}} {
		found, sampled := 0, 0
		foreign := false // somebody else wrote the same words
		err := s.sample(ctx, pair[0], from, to, func(m *sampledMessage) error {
			if foreign || sampled == 2*sampledRows && found == 0 {
				return errEnough
			}
			if m.kind != Text {
				return nil
			}
			sampled++
			is, byOther, err := s.holds(ctx, pair[1], m, program(g.source) == program(other.source))
			if is {
				found++
			}
			foreign = foreign || byOther && !is
			return err
		})
		if err != nil && !errors.Is(err, errEnough) {
			return 0, err
		}
		if foreign {
			return 0, nil
		}
		if 2*found > sampled {
			most = max(most, found)
		}
	}
	return most, nil
}

// holds reports whether a chat holds a copy of a message, or the same words at that time by somebody else.
func (s *sameGroups) holds(ctx context.Context, g *groupChat, m *sampledMessage, oneProgram bool) (is, byOther bool, err error) {
	r := s.reader
	sender, err := r.handles.address(m.sender)
	if err != nil {
		return false, false, err
	}
	person := r.person(sender)
	err = each(ctx, r.q, `SELECT m.date, m.sender, m.text FROM message m INDEXED BY message_order WHERE m.chat = ? AND m.date >> 30 BETWEEN ? AND ? AND m.kind = ? AND `+isShown,
		func(rows *sql.Rows) error {
			var date, from int64
			var text string
			if err := rows.Scan(&date, &from, &text); err != nil {
				return err
			}
			if !sameMoment(min(date, m.date), max(date, m.date), oneProgram) || !sameWords(text, m.text) {
				return nil
			}
			address, err := r.handles.address(from)
			if r.person(address) == person {
				is = true
			} else {
				byOther = true
			}
			return err
		}, g.id, (m.date-minute)>>30, (m.date+minute)>>30, Text)
	return is, byOther, err
}

// setMembers gives the chats of each group the same members: those of the chat whose source lists them, and goes on
// longest, else everyone's.
func (s *sameGroups) setMembers() {
	sets := make(map[*groupChat][]*groupChat)
	for _, g := range s.groups {
		sets[g.representative()] = append(sets[g.representative()], g)
	}
	for _, set := range sets {
		if len(set) == 1 {
			continue
		}
		var listed *groupChat
		var everyone []memberHandle
		for _, g := range set {
			if g.listed && (listed == nil || g.apple && !listed.apple || g.apple == listed.apple && g.last > listed.last) {
				listed = g
			}
			everyone = append(everyone, g.periods[0].members...)
		}
		everyone = canonicalRoster(everyone, s.reader.handles.addresses)
		for _, g := range set {
			switch {
			case g.apple, g == listed:
			case listed != nil:
				g.periods = slices.Clone(listed.periods)
			default:
				g.periods = []period{{id: g.periods[0].id, until: g.periods[0].until, members: everyone}}
			}
		}
	}
}

// isApple reports whether a source is Apple's database.
func isApple(source string) bool {
	return source == unnamedSource || program(source) == "imessage"
}

// isOneChat reports whether a source is one chat, as programs export it.
func isOneChat(source string) bool {
	name, _, _ := strings.Cut(source, " ")
	switch name {
	case "whatsapp", "telegram", "meta", "discord", "discord-package", "slack", "google", "signal-chat", "signal-cli", "imazing", "imessage-exporter":
		return true
	}
	return false
}
