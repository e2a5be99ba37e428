package messages

// Why a row of a forgotten person is left out, as Row.LeftOut.
const (
	ForgottenMessage  = -2
	ForgottenReaction = -3
	ForgottenRemoval  = -4
)

// isForgotten reports whether a row is from a forgotten person, or from a chat with no one else.
func (t *Tx) isForgotten(r *Row) bool {
	return t.policy != nil && len(r.Parts) > 0 && (t.standIn(r.Sender) != "" || t.onlyForgotten(r))
}

// onlyForgotten reports whether every participant in the chat of a row was forgotten.
func (t *Tx) onlyForgotten(r *Row) bool {
	c := t.chats[r.Chat]
	if c == nil {
		return false
	}
	p := c.at(moment{r.Date, r.Row})
	if p == nil {
		return false
	}
	some := false
	for _, m := range p.members {
		switch address := t.addresses[m.handle]; {
		case m.absent:
		case t.standIn(address) == "":
			return false
		default:
			some = true
		}
	}
	return some
}

// forgottenRecord returns what remains of a numbered row of a forgotten person: the fact that it exists.
func forgottenRecord(key int64, r *Row) []record {
	stub := record{id: key, kind: leftOut, guid: r.GUID}
	switch messages := int64(min(len(r.Parts), MostParts)); {
	case r.Removal:
		stub.part = ForgottenRemoval
	case r.Parts[0].Kind == Reaction:
		stub.part, stub.targetPart = ForgottenReaction, optional(messages)
	default:
		stub.part, stub.targetPart = ForgottenMessage, optional(messages)
	}
	return []record{stub}
}

// KeepsOut reports whether a policy keeps anything out.
func (t *Tx) KeepsOut() bool { return t.policy != nil }
