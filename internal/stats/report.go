package stats

import (
	"fmt"
	"time"
)

// Report is what a history is like.
type Report struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Zone     string    `json:"zone"`
	Messages int       `json:"messages"`
	Months   []Month   `json:"months"`
	// Hours are messages by day of the week, from Monday, and hour.
	Hours  [7][24]int `json:"hours"`
	People []Person   `json:"people"` // the most messages first
	Groups []Group    `json:"groups"`
}

// Month is how many messages a month has.
type Month struct {
	Month    string `json:"month"` // 2024-03
	Messages int    `json:"messages"`
}

// Habits are what a person and a group have both.
type Habits struct {
	Messages      int     `json:"messages"`
	Words         int     `json:"words"`
	Reactions     int     `json:"reactions"`
	ReactionShare float64 `json:"reaction_share"`
	// Reply is how soon is answered: by the person in the direct conversation, by anybody in the group.
	Reply   Reply      `json:"reply"`
	Silence *Silence   `json:"longest_silence"` // nil with fewer than two messages
	Emoji   []Count    `json:"emoji"`           // the most used first
	Beyond  []Usage    `json:"words_beyond_the_usual"`
	Months  []Month    `json:"months"` // from the first to the last with messages
	First   *time.Time `json:"first"`
	Last    *time.Time `json:"last"`
}

// Person is somebody who writes; of the owner silence and sessions are those of no conversation.
type Person struct {
	Name  string `json:"name"`
	Owner bool   `json:"owner"`
	Habits
	// OwnerReply is how soon the owner answers the person.
	OwnerReply Reply `json:"owner_reply"`
	Sessions   int   `json:"sessions"` // of the direct conversation
	Started    int   `json:"started"`  // of these by the person
}

// Group is a conversation of more than two people.
type Group struct {
	Members []string `json:"members"` // without the owner, sorted
	Habits
	Sessions int     `json:"sessions"`
	Started  []Count `json:"started"` // by whom, most first
	By       []Count `json:"by"`      // messages by whom, most first
}

// Reply is the time that answers take.
type Reply struct {
	Replies int `json:"replies"`
	// Median is in seconds; null without replies. ByHour is the same of messages that came in an hour.
	Median *float64     `json:"median_seconds"`
	ByHour [24]*float64 `json:"median_seconds_by_hour"`
}

// Silence is a time without messages.
type Silence struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Days float64   `json:"days"`
}

// Length is the silence in words: days, below one hours.
func (s Silence) Length() string {
	if s.Days < 1 {
		return fmt.Sprintf("%.1f hours", 24*s.Days)
	}
	return fmt.Sprintf("%.1f days", s.Days)
}

// Count is how often something occurs.
type Count struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// Usage is a word that is used more than by others.
type Usage struct {
	Word  string  `json:"word"`
	Count int     `json:"count"`
	Score float64 `json:"z"`
}
