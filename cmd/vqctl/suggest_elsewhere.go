package main

// Hints for commands that other programs have, by the command they were typed after.
const (
	listsRuns     = "`vqctl runs` lists training runs; `vqctl` alone shows which steps are done"
	listsModels   = "`vqctl model list` lists base models"
	pullsModel    = "`vqctl model pull NAME` downloads a base model"
	removesModel  = "`vqctl model rm NAME` removes a base model"
	listsContacts = "`vqctl contacts` lists them"
	removesPerson = "to take a person out of the training data, delete their line from contacts_to_ids.jsonl in the data folder and run " +
		"`vqctl preprocess`; `vqctl forget NAME` erases them and their messages, for good"
	editsContacts = "edit contacts_to_ids.jsonl in the data folder with a text editor, then `vqctl contacts check`"
	exportsModel  = "`vqctl export --format safetensors` merges the adapter into the base model; --format gguf writes one file for llama.cpp and Ollama"
	editsSettings = "settings are lines of .env in the folder where you run vqctl, such as MY_NAME=\"Your Name\"; `vqctl doctor` shows them"
)

// elsewhere holds the words of other programs for what vqctl does in another way.
var elsewhere = map[string]string{
	"vqctl version": "`vqctl --version` prints it", "vqctl upgrade": "install the newer release over this one (README)", "vqctl update": "install the newer release over this one (README)",
	"vqctl ls": listsRuns, "vqctl list": listsRuns, "vqctl ps": listsRuns, "vqctl status": listsRuns,
	"vqctl menu": "`vqctl` alone shows the menu", "vqctl start": "`vqctl` alone shows a menu of all steps", "vqctl init": "`vqctl` alone shows a menu of all steps",
	"vqctl run": "`vqctl chat` talks to the people of an adapter", "vqctl talk": "`vqctl chat` talks to the people of an adapter",
	"vqctl stop": "`vqctl runs --stop DIR` saves and ends a training run", "vqctl resume": "`vqctl train --resume` continues a run",
	"vqctl continue": "`vqctl train --resume` continues a run", "vqctl finetune": "`vqctl train` fine-tunes a base model",
	"vqctl pull": pullsModel, "vqctl download": pullsModel, "vqctl rm": removesModel, "vqctl show": "`vqctl model info NAME` describes a base model",
	"vqctl merge": exportsModel, "vqctl convert": exportsModel, "vqctl import": "`vqctl collect --source FILE` reads an export",
	"vqctl config": editsSettings, "vqctl settings": editsSettings, "vqctl name": editsSettings,
	"contacts list": listsContacts, "contacts ls": listsContacts, "contacts show": listsContacts, "contacts edit": editsContacts, "contacts rename": editsContacts,
	"contacts remove": removesPerson, "contacts rm": removesPerson, "contacts delete": removesPerson, "contacts forget": removesPerson,
	"model ls": listsModels, "model show": "`vqctl model info NAME` describes a base model", "model download": pullsModel, "model remove": removesModel, "model delete": removesModel,
}

// otherFlags holds the flags of other programs for what ours do in another way.
var otherFlags = map[string]string{
	"train --lr": "did you mean --learning-rate?", "train --rank": "did you mean --lora-r?", "train --r": "did you mean --lora-r?",
	"train --load-in-16bit": "--precision bf16 computes in 16 bits", "train --bf16": "did you mean --precision bf16?", "train --fp16": "did you mean --precision bf16?",
	"train --background": "did you mean --detach?", "train --daemon": "did you mean --detach?",
	"serve --port": "did you mean --listen 127.0.0.1:PORT?", "serve --host": "did you mean --listen HOST:PORT?", "serve --bind": "did you mean --listen HOST:PORT?",
	"evaluate --limit": "did you mean --samples? The perplexity is that of all held-out windows",
	"chat --name":      "you are MY_NAME of .env; --target NAME answers", "chat --me": "you are MY_NAME of .env; --target NAME answers",
	"chat --prompt": "type at the prompt, or `vqctl generate --message` for one answer", "generate --prompt": "did you mean --message?",
}
