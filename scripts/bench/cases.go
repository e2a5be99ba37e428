package main

import (
	"os"
	"strconv"
	"strings"
)

// benchCase is one measurement: our command, and the peer's if there is one. Both print figures in the form that parse reads;
// columns lists the figures that the table shows.
type benchCase struct {
	name    string
	ours    []string
	peer    peer
	parse   func([]byte) measurement
	columns []column
}

// peer is another program, run by a Python script of its own environment; the zero value is none.
type peer struct {
	environment string // folder below build/bench
	script      string
	flags       []string
}

// command is nil without a peer, where its environment is not installed, and with BENCH_PEERS=no.
func (p peer) command() []string {
	_, err := os.Stat(folder + "/" + p.environment + "/ready")
	if p.script == "" || err != nil || os.Getenv("BENCH_PEERS") == "no" {
		return nil
	}
	return append([]string{folder + "/" + p.environment + "/bin/python", p.script}, p.flags...)
}

// withTransformers is the peer for training and inference in plain weights: scripts/bench/engine's flags are its own.
func withTransformers(flags []string) peer {
	return peer{environment: "venv", script: "scripts/bench_peers.py", flags: flags}
}

// column is a figure of a case: its name in our output and in the peer's ("" if the peer has none), and the name of our figure
// for its share of the machine's limit.
type column struct {
	title, ours, peer, share string
}

func cases() []benchCase {
	var list []benchCase
	for _, precision := range []string{"f32", "bf16"} {
		for _, dropout := range []string{"0", "0.05"} {
			list = append(list, trainCase("qwen3-0.6b", precision, dropout, 2048, 1))
		}
	}
	for _, stride := range []int{1, 50} {
		list = append(list, strideCase("qwen3-0.6b", "bf16", stride))
	}
	for _, precision := range []string{"f32", "bf16"} {
		list = append(list, trainCase("tiny", precision, "0", 1024, 2))
	}
	for _, precision := range []string{"f32", "bf16"} {
		list = append(list, inferCase("qwen3-0.6b", precision))
	}
	for _, weights := range []string{"fp8", "int8", "nf4"} {
		list = append(list, quantizedCase("qwen3-0.6b", weights))
	}
	list = append(list, llamaCase("qwen3-0.6b", "plain", "bf16"), llamaCase("qwen3-0.6b", "int8", "q8_0"))
	return append(list,
		serveCase("tiny", "f32"), serveCase("qwen3-0.6b", "f32"), serveCase("qwen3-0.6b", "bf16"),
		membersCase("tiny", "f32"),
		benchCase{
			name: "chat with the built-in model", parse: parseJSON,
			ours: []string{folder + "/engine", "-what", "chat"},
			columns: []column{{title: "characters of message text/s", ours: "characters_per_second"},
				{title: "tokens/s", ours: "decode_tokens_per_second"}},
		},
		benchCase{
			name: "tokenizer", parse: parseJSON,
			ours:    []string{folder + "/venv/bin/python", "scripts/bench_tokenizers.py", "--tokenizer", "internal/model/tiny", "--texts", "internal/demo/chat.jsonl.gz", "--json"},
			columns: []column{{title: "encode, MB/s on one core", ours: "vqctl", peer: "tokenizers"}},
		},
		benchCase{
			name: "history of 1,000,000", parse: parseJSON,
			ours: []string{"go", "run", "./scripts/bench/collect"},
			columns: []column{
				{title: "collect, messages/s", ours: "collect_messages_per_second"}, {title: "collect, MB of memory", ours: "collect_memory_mb"},
				{title: "messages.db, share of its text and ids", ours: "size_ratio"}, {title: "preprocess, messages/s", ours: "preprocess_messages_per_second"},
				{title: "second collect with 100 new messages, times/s", ours: "again_per_second"},
				{title: "second collect with 10,000 changed rows, times/s", ours: "changed_per_second"},
				{title: "collect of a WhatsApp export, messages/s", ours: "whatsapp_messages_per_second"}, {title: "of Telegram's", ours: "telegram_messages_per_second"},
				{title: "of Android's SMS", ours: "android-sms_messages_per_second"}, {title: "of JSON lines", ours: "jsonl_messages_per_second"},
				{title: "of Telegram's HTML", ours: "telegram-html_messages_per_second"}, {title: "of imessage-exporter's", ours: "imessage-exporter_messages_per_second"},
				{title: "of Google Voice", ours: "google-voice_messages_per_second"}, {title: "of Meta's", ours: "meta_messages_per_second"},
				{title: "of Discord's", ours: "discord_messages_per_second"}, {title: "of iMazing's", ours: "imazing_messages_per_second"},
				{title: "of WhatsApp's database", ours: "whatsapp-db_messages_per_second"}, {title: "of Signal's database", ours: "signal_messages_per_second"},
				{title: "of Slack's", ours: "slack_messages_per_second"}, {title: "of Google Chat", ours: "google-chat_messages_per_second"},
				{title: "collect of Telegram's export, MB of memory", ours: "telegram_memory_mb"},
			},
		},
		goCase("typedstream", "./internal/sources/imessage/typedstream", "Decode", column{title: "decode, bodies/s on one core", ours: "Decode bodies/s"}),
		goCase("collect", "./internal/sources/imessage", "Collect", column{title: "collect, messages/s", ours: "Collect messages/s"}),
		goCase("preprocess", "./internal/windows", "Build|Export",
			column{title: "preprocess, messages/s", ours: "Build messages/s"}, column{title: "export, MB/s", ours: "Export MB/s"}),
		goCase("redact", "./internal/privacy", "Redact|Recall", redactColumns()...),
	)
}

// redactColumns are the speed of redaction, and by set of labeled lines its precision and recall by kind, and its recall by what a
// value is.
func redactColumns() []column {
	columns := []column{{title: "redact, lines/s on one core", ours: "Redact lines/s"}}
	for _, set := range []string{"held-out", "second", "third"} {
		for _, kind := range []string{"all", "key", "email", "account", "card", "code", "phone", "address"} {
			columns = append(columns, column{title: set + " set, " + kind + ", precision in %", ours: "Recall precision/" + set + "/" + kind},
				column{title: set + " set, " + kind + ", recall in %", ours: "Recall recall/" + set + "/" + kind})
		}
		for _, what := range []string{"password", "token", "private key", "seed phrase", "iban", "national id", "account number", "passport or license", "crypto address", "pin", "coordinates"} {
			columns = append(columns, column{title: set + " set, " + what + ", recall in %", ours: "Recall recall/" + set + "/" + strings.ReplaceAll(what, " ", "")})
		}
	}
	return columns
}

func trainCase(shape, precision, dropout string, tokens, windows int) benchCase {
	flags := []string{"-what", "train", "-shape", shape, "-precision", precision, "-dropout", dropout,
		"-tokens", strconv.Itoa(tokens), "-windows", strconv.Itoa(windows), "-repeat", "1"}
	return benchCase{
		name: "train " + shape + " " + precision + " dropout " + dropout, parse: parseJSON,
		ours: append([]string{folder + "/engine"}, flags...), peer: withTransformers(flags),
		columns: []column{{title: "train, tokens/s", ours: "tokens_per_second", peer: "tokens_per_second", share: "share_of_product"}},
	}
}

// strideCase trains on windows of 100 messages of 20 tokens, the last `stride` of which are targets.
func strideCase(shape, precision string, stride int) benchCase {
	const tokens, messages = 2000, 100
	return benchCase{
		name: "train " + shape + " " + precision + " stride " + strconv.Itoa(stride), parse: parseJSON,
		ours: []string{folder + "/engine", "-what", "train", "-shape", shape, "-precision", precision, "-tokens", strconv.Itoa(tokens),
			"-targets", strconv.Itoa(stride * tokens / messages), "-repeat", "1"},
		columns: []column{{title: "targets/s", ours: "targets_per_second"}},
	}
}

func inferCase(shape, precision string) benchCase {
	flags := []string{"-what", "infer", "-shape", shape, "-precision", precision, "-tokens", "2048", "-rank", "0", "-repeat", "1"}
	return benchCase{
		name: "infer " + shape + " " + precision, parse: parseJSON,
		ours: append([]string{folder + "/engine"}, flags...), peer: withTransformers(flags),
		columns: []column{
			{title: "prefill, tokens/s", ours: "prefill_tokens_per_second", peer: "prefill_tokens_per_second"},
			{title: "decode, tokens/s", ours: "decode_tokens_per_second", peer: "decode_tokens_per_second", share: "share_of_bandwidth"},
		},
	}
}

// serveCase decodes for several clients of a server at once. The peer is one client, which is as fast as several one after another.
func serveCase(shape, precision string) benchCase {
	return benchCase{
		name: "serve " + shape + " " + precision, parse: parseJSON,
		ours: []string{folder + "/engine", "-what", "serve", "-shape", shape, "-precision", precision, "-tokens", "64", "-rank", "0", "-repeat", "1"},
		columns: []column{
			{title: "1 client, tokens/s", ours: "clients_1"},
			{title: "4 clients, tokens/s, and one after another", ours: "clients_4", peer: "clients_1"},
			{title: "16 clients, tokens/s, and one after another", ours: "clients_16", peer: "clients_1"},
		},
	}
}

// membersCase is asking who of several people said a message.
func membersCase(shape, precision string) benchCase {
	return benchCase{
		name: "who said it, " + shape + " " + precision, parse: parseJSON,
		ours: []string{folder + "/engine", "-what", "members", "-shape", shape, "-precision", precision, "-tokens", "512", "-targets", "40", "-rank", "0"},
		columns: []column{
			{title: "1 member, messages/s", ours: "messages_per_second_1"},
			{title: "2 members, cost against 1", ours: "cost_2"},
			{title: "4 members, cost against 1", ours: "cost_4"},
			{title: "8 members, cost against 1", ours: "cost_8"},
		},
	}
}

// quantizedCase has no peer: PEFT does not run quantized weights on a CPU.
func quantizedCase(shape, weights string) benchCase {
	c := inferCase(shape, "bf16")
	c.name, c.peer = c.name+" weights "+weights, peer{}
	c.ours = append(c.ours, "-weights", weights)
	for i := range c.columns {
		c.columns[i].peer = ""
	}
	return c
}

// llamaCase compares with llama.cpp on the same weights, which scripts/bench/run writes: plain weights and bf16, or int8 and
// q8_0, which also has codes for the output layer.
func llamaCase(shape, weights, kind string) benchCase {
	flags := []string{"-tokens", "512", "-repeat", "1"}
	return benchCase{
		name: "infer " + shape + " " + weights + " and llama.cpp's " + kind, parse: parseJSON,
		ours: append([]string{folder + "/engine", "-what", "infer", "-model", folder + "/" + shape, "-precision", "bf16", "-rank", "0",
			"-weights", weights}, flags...),
		peer: peer{environment: "llama", script: "scripts/bench_llama.py",
			flags: append([]string{"-file", folder + "/" + shape + "-" + kind + ".gguf"}, flags...)},
		columns: []column{
			{title: "prefill, tokens/s", ours: "prefill_tokens_per_second", peer: "prefill_tokens_per_second"},
			{title: "decode, tokens/s", ours: "decode_tokens_per_second", peer: "decode_tokens_per_second", share: "share_of_bandwidth"},
		},
	}
}

func goCase(name, pkg, pattern string, columns ...column) benchCase {
	return benchCase{name: name, parse: parseGo, columns: columns,
		ours: []string{"go", "test", pkg, "-run", "^$", "-bench", "^Benchmark(" + pattern + ")$", "-benchtime", "200ms"}}
}
