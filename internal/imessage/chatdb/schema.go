package chatdb

import (
	"fmt"
	"strings"
)

// Release is a release of macOS, by what its databases look like.
type Release int

// Columns have only ever been added at the end of Apple's tables.
const (
	Latest     Release = iota // macOS 27
	MacOS13                   // edits and unsends, no tapbacks of any emoji
	HighSierra                // macOS 10.13: no inline replies, no edits, nothing recoverable
)

// column lists have a word a column: its name and, after a colon, i for INTEGER DEFAULT 0, n for INTEGER, t for TEXT,
// b for BLOB, u for TEXT UNIQUE NOT NULL.
const (
	messageColumns = `guid:u text:t replace:i service_center:t handle_id:i subject:t country:t attributedBody:b version:i
type:i service:t account:t account_guid:t error:i date:n date_read:n date_delivered:n is_delivered:i is_finished:i
is_emote:i is_from_me:i is_empty:i is_delayed:i is_auto_reply:i is_prepared:i is_read:i is_system_message:i is_sent:i
has_dd_results:i is_service_message:i is_forward:i was_downgraded:i is_archive:i cache_has_attachments:i
cache_roomnames:t was_data_detected:i was_deduplicated:i is_audio_message:i is_played:i date_played:n item_type:i
other_handle:i group_title:t group_action_type:i share_status:i share_direction:i is_expirable:i expire_state:i
message_action_type:i message_source:i associated_message_guid:t associated_message_type:i balloon_bundle_id:t
payload_data:b expressive_send_style_id:t associated_message_range_location:i associated_message_range_length:i
time_expressive_send_played:n message_summary_info:b`
	messageColumnsMojave = ` ck_sync_state:i ck_record_id:t ck_record_change_tag:t destination_caller_id:t is_corrupt:i
reply_to_guid:t sort_id:n is_spam:i has_unseen_mention:i thread_originator_guid:t thread_originator_part:t
syndication_ranges:t synced_syndication_ranges:t was_delivered_quietly:i did_notify_recipient:i date_retracted:n
date_edited:n was_detonated:i part_count:n`
	messageColumnsLater = ` is_stewie:i is_sos:i is_critical:i bia_reference_id:t is_kt_verified:i fallback_hash:t
associated_message_emoji:t is_pending_satellite_send:i needs_relay:i schedule_type:i schedule_state:i
sent_or_received_off_grid:i date_recovered:i is_time_sensitive:i ck_chat_id:t index_state:i filter_action:i
filter_sub_action:i is_preview_sent:i is_preview_delivered:i date_preview_sent:n date_preview_delivered:n
date_updated:n retry_count:n`
	chatColumns = `guid:u style:n state:n account_id:t properties:b chat_identifier:t service_name:t room_name:t
account_login:t is_archived:i last_addressed_handle:t display_name:t group_id:t is_filtered:i successful_query:n`
	chatColumnsLater = ` engram_id:t server_change_token:t ck_sync_state:i original_group_id:t
last_read_message_timestamp:i cloudkit_record_id:t last_addressed_sim_id:t is_blackholed:i syndication_date:i
syndication_type:i`
	attachmentColumns = `guid:u created_date:i start_date:i filename:t uti:t mime_type:t transfer_state:i is_outgoing:i
user_info:b transfer_name:t total_bytes:i is_sticker:i sticker_user_info:b attribution_info:b hide_attachment:i`
	attachmentColumnsLater = ` ck_sync_state:i ck_server_change_token_blob:b ck_record_id:t original_guid:u`
	handleColumns          = `id:t country:t service:t uncanonicalized_id:t person_centric_id:t`
)

var columnTypes = map[string]string{"i": "INTEGER DEFAULT 0", "n": "INTEGER", "t": "TEXT", "b": "BLOB", "u": "TEXT UNIQUE NOT NULL"}

func table(name, columns, constraints string) string {
	var ddl strings.Builder
	fmt.Fprintf(&ddl, "CREATE TABLE %s (ROWID INTEGER PRIMARY KEY AUTOINCREMENT", name)
	for _, column := range strings.Fields(columns) {
		name, kind, _ := strings.Cut(column, ":")
		fmt.Fprintf(&ddl, ", %s %s", name, columnTypes[kind])
	}
	return ddl.String() + constraints + ");\n"
}

const joins = `
CREATE TABLE chat_message_join (chat_id INTEGER REFERENCES chat (ROWID) ON DELETE CASCADE,
  message_id INTEGER REFERENCES message (ROWID) ON DELETE CASCADE, message_date INTEGER DEFAULT 0,
  PRIMARY KEY (chat_id, message_id));
CREATE TABLE chat_handle_join (chat_id INTEGER REFERENCES chat (ROWID) ON DELETE CASCADE,
  handle_id INTEGER REFERENCES handle (ROWID) ON DELETE CASCADE, UNIQUE(chat_id, handle_id));
CREATE TABLE message_attachment_join (message_id INTEGER REFERENCES message (ROWID) ON DELETE CASCADE,
  attachment_id INTEGER REFERENCES attachment (ROWID) ON DELETE CASCADE, UNIQUE(message_id, attachment_id));
CREATE INDEX message_idx_date ON message(date);
CREATE INDEX message_idx_handle ON message(handle_id, date);
CREATE INDEX message_idx_associated_message ON message(associated_message_guid);
CREATE INDEX chat_message_join_idx_message_id_only ON chat_message_join(message_id);
CREATE INDEX message_attachment_join_idx_message_id ON message_attachment_join(message_id);
`

const recoverable = `
CREATE TABLE chat_recoverable_message_join (chat_id INTEGER REFERENCES chat (ROWID) ON DELETE CASCADE,
  message_id INTEGER REFERENCES message (ROWID) ON DELETE CASCADE, delete_date INTEGER, ck_sync_state INTEGER DEFAULT 0,
  PRIMARY KEY (chat_id, message_id), CHECK (delete_date != 0));
CREATE TABLE recoverable_message_part (chat_id INTEGER REFERENCES chat (ROWID) ON DELETE CASCADE,
  message_id INTEGER REFERENCES message (ROWID) ON DELETE CASCADE, part_index INTEGER, delete_date INTEGER,
  part_text BLOB NOT NULL, ck_sync_state INTEGER DEFAULT 0, PRIMARY KEY (chat_id, message_id, part_index));
`

// schema is the DDL of a release.
func schema(release Release) string {
	message, chat, attachment, tables := messageColumns, chatColumns, attachmentColumns, joins
	if release != HighSierra {
		message, chat, attachment = message+messageColumnsMojave, chat+chatColumnsLater, attachment+attachmentColumnsLater
		tables += recoverable
	}
	if release == Latest {
		message += messageColumnsLater
	}
	return table("message", message, "") + table("chat", chat, "") + table("attachment", attachment, "") +
		table("handle", handleColumns, ", UNIQUE (id, service)") + tables
}
