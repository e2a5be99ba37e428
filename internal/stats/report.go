package stats

import "time"

// Report describes a message history.
type Report struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Zone     string    `json:"zone"`
	Messages int       `json:"messages"`
	Undated  int       `json:"undated"` // of these, without a date: not in figures about time
	Months   []Month   `json:"months"`
	Years    []Year    `json:"years"` // from the first to the last with messages
	// Hours counts messages by day of the week, from Monday, and hour.
	Hours   Week     `json:"hours"`
	Busiest *Day     `json:"busiest_day"` // nil without dated messages
	Emoji   []Count  `json:"emoji"`       // of everyone, most used first
	People  []Person `json:"people"`      // most messages first
	Groups  []Group  `json:"groups"`
}

// Week counts messages by day of the week, from Monday, and hour.
type Week [7][24]int

// Day is the number of messages on a day.
type Day struct {
	Date     time.Time `json:"date"`
	Messages int       `json:"messages"`
}

// Year describes a year of the history.
type Year struct {
	Year     int    `json:"year"`
	Messages int    `json:"messages"`
	FromYou  int    `json:"from_you"`
	Most     *Count `json:"most"` // who else wrote the most; nil if no one did
}

// Month is the number of messages in a month.
type Month struct {
	Month    string `json:"month"` // 2024-03
	Messages int    `json:"messages"`
}

// Habits are the figures that people and groups share.
type Habits struct {
	Messages      int     `json:"messages"`
	Words         int     `json:"words"`
	Reactions     int     `json:"reactions"`
	ReactionShare float64 `json:"reaction_share"`
	// WordsPerMessage is the mean over text messages; 0 without any.
	WordsPerMessage float64 `json:"words_per_message"`
	// Reply is the reply times: of the person in the direct conversation, of anyone in the group.
	Reply   Reply      `json:"reply"`
	Silence *Silence   `json:"longest_silence"` // nil with fewer than two messages
	Emoji   []Count    `json:"emoji"`           // most used first
	Beyond  []Usage    `json:"words_beyond_the_usual"`
	Months  []Month    `json:"months"` // from the first to the last month with messages
	First   *time.Time `json:"first"`
	Last    *time.Time `json:"last"`
}

// Person is a person who writes. The owner has no silence and no sessions.
type Person struct {
	Name  string `json:"name"`
	Owner bool   `json:"owner"`
	Habits
	// OwnerReply is the owner's reply times to the person.
	OwnerReply Reply `json:"owner_reply"`
	Sessions   int   `json:"sessions"` // in the direct conversation
	Started    int   `json:"started"`  // of these, started by the person
	// Direct is the direct conversation; nil if there is none.
	Direct *Direct `json:"direct"`
}

// Direct describes the messages of a direct conversation, of both sides.
type Direct struct {
	Messages int   `json:"messages"`
	FromYou  int   `json:"from_you"`
	Peak     *Peak `json:"peak"` // nil without dated messages
}

// Peak is the day of the week and the hour with the most messages.
type Peak struct {
	Weekday time.Weekday `json:"weekday"`
	Hour    int          `json:"hour"`
}

// Group is a conversation of more than two people.
type Group struct {
	Name    string   `json:"name"`    // as its members named it, "" if they did not
	Members []string `json:"members"` // without the owner, sorted
	Habits
	Sessions int     `json:"sessions"`
	Started  []Count `json:"started"` // by person, most first
	By       []Count `json:"by"`      // messages by person, most first
}

// Reply is reply times.
type Reply struct {
	Replies int `json:"replies"`
	// Median is in seconds; null without replies. ByHour is the median for messages that arrived in an hour.
	Median *float64     `json:"median_seconds"`
	ByHour [24]*float64 `json:"median_seconds_by_hour"`
}

// Silence is a time without messages.
type Silence struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Days float64   `json:"days"`
}

// Count is the number of times something occurs.
type Count struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// Usage is a word that a person uses more than others.
type Usage struct {
	Word  string  `json:"word"`
	Count int     `json:"count"`
	Score float64 `json:"z"`
}
