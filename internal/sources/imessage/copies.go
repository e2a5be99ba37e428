package imessage

import "fmt"

// isCopy returns an SQL expression for whether one of the last rows before is the same message: phones keep some messages as
// RCS and as SMS.
func (s *Source) isCopy() string {
	if !s.has("message", "service", "text", "attributedBody") || !s.has("handle", "service") {
		return "0"
	}
	const rows, time = 10, 5
	address := func(of string) string { return "(SELECT h.id FROM handle h WHERE h.ROWID = " + of + ".handle_id)" }
	return fmt.Sprintf(`CASE WHEN message.service NOT IN ('RCS', 'SMS') OR message.service IS NULL OR NOT EXISTS (SELECT 1 FROM handle WHERE service = 'RCS') THEN 0 ELSE
		EXISTS (SELECT 1 FROM message other WHERE other.ROWID BETWEEN message.ROWID - %d AND message.ROWID - 1 AND other.service IN ('RCS', 'SMS')
			AND other.service <> message.service AND other.is_from_me = message.is_from_me AND other.text IS message.text
			AND other.attributedBody IS message.attributedBody AND coalesce(other.text, other.attributedBody) IS NOT NULL
			AND abs(CAST(other.date AS INTEGER) - CAST(message.date AS INTEGER)) <= iif(CAST(message.date AS INTEGER) > %d, %d, %d)
			AND %s IS %s) END`, rows, int64(secondsLimit), time*second, time, address("other"), address("message"))
}
