package people_test

import (
	"slices"
	"testing"

	"ventriloquist/internal/messages"
	"ventriloquist/internal/people"
)

// lookup knows Ann by two addresses, Ben by one, and the owner as "me".
func lookup(address string) (string, bool) {
	name, listed := map[string]string{"a1": "Ann", "a2": "Ann", "b": "Ben", "me": messages.Owner}[address]
	if !listed {
		return address, false
	}
	return name, true
}

func conversationsOf(parts ...[]messages.Member) []*people.Conversation {
	var list []messages.Conversation
	for i, members := range parts {
		list = append(list, messages.Conversation{ID: int64(i + 1), Members: members, Messages: 10})
	}
	return people.Lookup(lookup).Conversations(list)
}

func othersOf(c *people.Conversation) (list []string) {
	for _, p := range c.Others {
		list = append(list, p.Name)
	}
	return list
}

func TestLookup_ConversationsJoinsTheSamePeople(t *testing.T) {
	t.Parallel()
	got := conversationsOf(messages.Members("a1"), messages.Members("b", "x"), messages.Members("a2", "me", "a1"), messages.Members("x", "b"))
	if len(got) != 2 || !slices.Equal(othersOf(got[0]), []string{"x", "Ben"}) || !slices.Equal(othersOf(got[1]), []string{"Ann"}) {
		t.Fatalf("%d conversations", len(got))
	}
	for _, c := range got {
		if len(c.Parts) != 2 || c.Messages() != 20 {
			t.Errorf("%q has %d parts with %d messages", othersOf(c), len(c.Parts), c.Messages())
		}
	}
	if !got[0].IsGroup() || !got[1].IsDirect() {
		t.Error("a group and a direct conversation are confused")
	}
}

func TestLookup_FirstAddressDecidesWhoWasPresent(t *testing.T) {
	t.Parallel()
	got := conversationsOf([]messages.Member{{Address: "a1", Absent: true}, {Address: "a2"}, {Address: "b"}})
	if len(got) != 1 || !slices.Equal(othersOf(got[0]), []string{"Ben"}) {
		t.Errorf("present are %q", othersOf(got[0]))
	}
}

func TestLookup_StrangersStayApartFromNamesakes(t *testing.T) {
	t.Parallel()
	got := conversationsOf(messages.Members("Ann"), messages.Members("a1"))
	if len(got) != 2 || got[0].Others[0].Listed || !got[1].Others[0].Listed {
		t.Errorf("%d conversations", len(got))
	}
}

func TestConversation_SenderInADirectConversation(t *testing.T) {
	t.Parallel()
	direct, group := conversationsOf(messages.Members("a1"))[0], conversationsOf(messages.Members("a1", "b"))[0]
	for _, c := range []struct {
		conversation *people.Conversation
		address      string
		want         people.Person
	}{
		{direct, "unknown", people.Person{Name: "Ann", Listed: true}},
		{direct, messages.Owner, people.Person{Name: messages.Owner, Listed: true}},
		{direct, "me", people.Person{Name: messages.Owner, Listed: true}},
		{direct, "b", people.Person{Name: "Ben", Listed: true}},
		{group, "unknown", people.Person{Name: "unknown"}},
	} {
		if got := c.conversation.Sender(lookup, c.address); got != c.want {
			t.Errorf("%q sent from %q is from %+v, want %+v", othersOf(c.conversation), c.address, got, c.want)
		}
	}
}
