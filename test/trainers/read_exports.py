"""Reads exports with the libraries of their trainers. Argument: a folder with manifest.json; writes result.json into it.

manifest.json: [{"sort", "format", "file_type", "folder"}, ...]. Nothing here asks the network for anything.
"""

import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import pyarrow.parquet
from datasets import load_dataset

root = sys.argv[1]
os.environ["HF_DATASETS_CACHE"] = os.path.join(root, "cache")
manifest = json.load(open(os.path.join(root, "manifest.json")))
result = {"rows": {}, "schemas": {}, "trl": {}, "openrlhf": {}, "axolotl": {}, "llama-factory": {}, "training": {}}
loaded = {}


def key(entry):
    return "/".join([entry["sort"], entry["format"], entry["file_type"]])


def path(entry):
    return os.path.join(root, entry["folder"])


def data(sort, format):
    return loaded[f"{sort}/{format}/jsonl"]["train"]


# What anybody gets who loads the folder; the card names its splits.
for entry in manifest:
    dataset = load_dataset(path(entry), cache_dir=os.environ["HF_DATASETS_CACHE"])
    loaded[key(entry)] = dataset
    result["rows"][key(entry)] = {split: list(rows) for split, rows in dataset.items()}
    if entry["file_type"] == "parquet":
        folder = os.path.join(path(entry), "train")
        schema = pyarrow.parquet.read_table(os.path.join(folder, sorted(os.listdir(folder))[0])).schema
        result["schemas"][key(entry)] = {field.name: str(field.type) for field in schema}

# As LLaMA-Factory's loader does: the folder that dataset_info.json names, all of its files.
for entry in manifest:
    if entry["format"] != "llama-factory" or entry["file_type"] != "jsonl":
        continue
    described = json.load(open(os.path.join(path(entry), "dataset_info.json")))
    for name, about in described.items():
        folder = os.path.join(path(entry), about["file_name"])
        files = [os.path.join(folder, file) for file in os.listdir(folder)]
        rows = load_dataset("json", data_files=files, split="train", cache_dir=os.environ["HF_DATASETS_CACHE"])
        result["llama-factory"][name] = {
            "rows": len(rows),
            "missing": [column for column in about["columns"].values() if column not in rows.column_names],
        }

# A model and a tokenizer of bytes, made on the spot.
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

end = "<|end|>"
vocabulary = {character: number for number, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
vocabulary[end] = len(vocabulary)
bytes_alone = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
bytes_alone.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
bytes_alone.decoder = decoders.ByteLevel()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=bytes_alone, eos_token=end, pad_token=end)
tokenizer.chat_template = (
    "{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
model_path = os.path.join(root, "model")
config = LlamaConfig(
    vocab_size=len(vocabulary),
    hidden_size=16,
    intermediate_size=32,
    num_hidden_layers=1,
    num_attention_heads=2,
    num_key_value_heads=2,
    max_position_embeddings=4096,
    bos_token_id=tokenizer.eos_token_id,
    eos_token_id=tokenizer.eos_token_id,
    pad_token_id=tokenizer.pad_token_id,
)
LlamaForCausalLM(config).save_pretrained(model_path)
tokenizer.save_pretrained(model_path)

# TRL's own view of the rows.
from trl.data_utils import apply_chat_template, is_conversational

texts = {
    "pairs": ["prompt", "chosen", "rejected"],
    "sft": ["prompt", "completion"],
    "kto": ["prompt", "completion", "label"],
    "rl": ["prompt"],
    "problems": ["prompt"],
    "generator": ["prompt", "completion"],
    "triples": ["prompt", "completion"],
}
for sort, names in texts.items():
    examples = [{name: row[name] for name in names} for row in data(sort, "trl")]
    result["trl"][sort] = {
        "conversational": [is_conversational(example) for example in examples],
        "templated": [apply_chat_template(example, tokenizer) for example in examples if is_conversational(example)],
    }

# One step of each trainer of TRL that reads them.
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, KTOConfig, KTOTrainer, SFTConfig, SFTTrainer

common = {
    "output_dir": os.path.join(root, "trained"),
    "max_steps": 1,
    "per_device_train_batch_size": 2,
    "report_to": [],
    "use_cpu": True,
    "bf16": False,
    "save_strategy": "no",
    "disable_tqdm": True,
}


def train(name, trainer, config, dataset, **more):
    one = trainer(model=model_path, args=config, train_dataset=dataset, processing_class=tokenizer, **more)
    result["training"][name] = one.train().training_loss


answers = []


def reward(completions, answer, simulated, **_):
    answers.append([answer, simulated])
    return [float(len(completion[0]["content"]) % 3) for completion in completions]


train("dpo", DPOTrainer, DPOConfig(**common, max_length=512), data("pairs", "trl"))
train("sft", SFTTrainer, SFTConfig(**common, max_length=512), data("sft", "trl"))
train("generator", SFTTrainer, SFTConfig(**common, max_length=512), data("generator", "trl"))
train("triples", SFTTrainer, SFTConfig(**common, max_length=512), data("triples", "trl"))
train("kto", KTOTrainer, KTOConfig(**common, max_length=512), data("kto", "trl"))
train(
    "grpo",
    GRPOTrainer,
    GRPOConfig(**common, num_generations=2, max_completion_length=8),
    data("rl", "trl"),
    reward_funcs=reward,
)
result["training"]["grpo_answers"] = answers

# The functions of OpenRLHF and Axolotl that turn a row into texts.
from openrlhf.datasets import prompts_dataset, reward_dataset, sft_dataset

chat = tokenizer.apply_chat_template
result["openrlhf"]["pairs"] = [
    reward_dataset.preprocess_data(row, prompt_key="prompt", apply_chat_template=chat, is_dpo=True)
    for row in data("pairs", "openrlhf")
]
result["openrlhf"]["sft"] = [
    sft_dataset.preprocess_data(row, input_key="input", output_key="output", apply_chat_template=chat)
    for row in data("sft", "openrlhf")
]
result["openrlhf"]["generator"] = [
    sft_dataset.preprocess_data(row, input_key="input", output_key="output") for row in data("generator", "openrlhf")
]
result["openrlhf"]["rl"] = [
    prompts_dataset.preprocess_data(row, input_key="input", label_key="label", apply_chat_template=chat)
    for row in data("rl", "openrlhf")
]

from axolotl.prompt_strategies.dpo.chat_template import default as axolotl_dpo
from axolotl.prompt_strategies.kto.chatml import ultra as axolotl_kto
from axolotl.utils.dict import DictDefault

settings = DictDefault({"chat_template": "tokenizer_default", "datasets": [{"type": "chat_template.default"}]})
transform, _ = axolotl_dpo(settings)
result["axolotl"]["pairs"] = [transform(row, tokenizer=tokenizer) for row in data("pairs", "axolotl")]
result["axolotl"]["kto"] = [axolotl_kto(settings)(dict(row)) for row in data("kto", "axolotl")]

json.dump(result, open(os.path.join(root, "result.json"), "w"))
