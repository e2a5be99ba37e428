package main

import "ventriloquist/internal/usererr"

// flagOfOption is how a user spells the options that the packages below name by their fields: nothing but this package
// knows flags.
var flagOfOption = map[string]string{
	"base_model":                  "base-model",
	"batch_size":                  "batch-size",
	"continue_from":               "continue-from",
	"data_dir":                    "data-dir",
	"data_path":                   "data-path",
	"dir":                         "dir",
	"endpoint":                    "endpoint",
	"endpoint_key":                "endpoint-key",
	"eval_steps":                  "eval-steps",
	"exclude":                     "exclude",
	"export":                      "export",
	"gpu":                         "gpu",
	"gpu_memory":                  "gpu-memory",
	"gpu_type":                    "gpu-type",
	"gradient_accumulation_steps": "gradient-accumulation-steps",
	"include":                     "include",
	"learning_rate":               "learning-rate",
	"limit":                       "limit",
	"load_in_4bit":                "load-in-4bit",
	"load_in_8bit":                "load-in-8bit",
	"load_in_fp8":                 "load-in-fp8",
	"logging_steps":               "logging-steps",
	"lora_dropout":                "lora-dropout",
	"lora_r":                      "lora-r",
	"lr_scheduler":                "lr-scheduler",
	"max_grad_norm":               "max-grad-norm",
	"max_new_tokens":              "max-new-tokens",
	"max_seq_length":              "max-seq-length",
	"max_steps":                   "max-steps",
	"me":                          "me",
	"min_messages":                "min-messages",
	"model":                       "model",
	"no_shuffle":                  "no-shuffle",
	"num_epochs":                  "num-epochs",
	"only":                        "only",
	"output_dir":                  "output-dir",
	"passphrase_file":             "passphrase-file",
	"precision":                   "precision",
	"raw":                         "raw",
	"resume":                      "resume",
	"retry_failed":                "retry-failed",
	"rpm":                         "rpm",
	"save_steps":                  "save-steps",
	"seed":                        "seed",
	"since":                       "since",
	"source":                      "source",
	"stride":                      "stride",
	"timeout":                     "timeout",
	"types":                       "types",
	"until":                       "until",
	"warmup_ratio":                "warmup-ratio",
	"weight_decay":                "weight-decay",
	"window":                      "window",
	"zone":                        "zone",
}

func init() {
	usererr.SpellOptions(func(field string) string {
		if flag, known := flagOfOption[field]; known {
			return "--" + flag
		}
		return field
	})
}
