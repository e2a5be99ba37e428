package evaluate

import (
	"ventriloquist/internal/evaluate/blind"
	"ventriloquist/internal/windows"
)

// shownBefore are how many messages before the reply the moments of a blind test show, in turn.
var shownBefore = []int{2, 6, 16}

// BlindMoments returns those of the moments for which the model wrote enough different messages, with that many of them.
func BlindMoments(moments []*Moment, written int) (list []blind.Moment) {
	for _, m := range moments {
		b := blind.Moment{Members: m.Header.Members, Author: m.Real.Name, Real: shown(&m.Real)}
		seen := map[string]bool{b.Real: true}
		for i := range m.Written {
			if text := shown(&m.Written[i]); !seen[text] && len(b.Written) < written {
				seen[text] = true
				b.Written = append(b.Written, text)
			}
		}
		if len(b.Written) < written {
			continue
		}
		before := m.Context
		if most := shownBefore[len(list)%len(shownBefore)]; len(before) > most {
			before = before[len(before)-most:]
		}
		for i := range before {
			b.Context = append(b.Context, blind.Line{Name: before[i].Name, Text: shown(&before[i])})
		}
		list = append(list, b)
	}
	return list
}

// shown returns the text of a message as a test shows it.
func shown(m *windows.Message) string {
	if m.ContentType == "text" {
		return m.Text
	}
	return "[" + m.ContentType + "] " + m.Text
}
