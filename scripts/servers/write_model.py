"""Writes a language model of some 100,000 random weights: as GGUF (llama.cpp) or as a folder of safetensors (MLX).

    python write_model.py gguf FILE
    python write_model.py safetensors FOLDER

It writes printable ASCII without sense, and ends by itself only where a request raises the bias of its end token (`END`).
Tokens are bytes and a few merges, so that a text of n characters has about n tokens.
"""

import json
import os
import sys

import numpy

LAYERS, HIDDEN, HEADS, KEY_HEADS, FEED_FORWARD = 2, 64, 4, 2, 128
CONTEXT = 131_072
MERGES = ["t h", "th e", "\u0120 a", "\u0120 the", "i n", "in g"]
BEGIN, END, TURN = "<|begin|>", "<|end|>", "<|turn|>"
SPECIAL = [BEGIN, END, TURN]
TEMPLATE = (
    "{{ '<|begin|>' }}{% for message in messages %}{{ '<|turn|>' + message['role'] + '\n' + message['content'] + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|turn|>assistant\n' }}{% endif %}"
)


def letters_of_bytes():
    """The letter that stands for each byte in a byte-level vocabulary: itself where it shows, else one from 256 on."""
    shown = {*range(33, 127), *range(161, 173), *range(174, 256)}
    hidden = [byte for byte in range(256) if byte not in shown]
    return [chr(byte) if byte in shown else chr(256 + hidden.index(byte)) for byte in range(256)]


def vocabulary():
    return letters_of_bytes() + [merge.replace(" ", "") for merge in MERGES] + SPECIAL


def weights():
    """By the names of a Llama of the transformers library."""
    random = numpy.random.default_rng(20_260_101)

    def matrix(rows, columns, scale=1.0):
        return (random.standard_normal((rows, columns)) * scale / columns**0.5).astype(numpy.float32)

    tokens = vocabulary()
    embedding = matrix(len(tokens), HIDDEN, 8.0)
    # The first of the hidden values is the same everywhere, so that its weight in the output is a bias of the token.
    embedding[:, 0] = 4
    output = matrix(len(tokens), HIDDEN, 3.0)
    output[:, 0] = [0 if len(text) > 1 or " " < text <= "~" or text == "\u0120" else -20 for text in tokens]
    output[-len(SPECIAL) :, 0] = -20
    result = {
        "model.embed_tokens.weight": embedding,
        "model.norm.weight": numpy.ones(HIDDEN, numpy.float32),
        "lm_head.weight": output,
    }
    for layer in range(LAYERS):
        name = f"model.layers.{layer}."
        for part, rows in (("q", HIDDEN), ("k", HIDDEN // HEADS * KEY_HEADS), ("v", HIDDEN // HEADS * KEY_HEADS)):
            result[f"{name}self_attn.{part}_proj.weight"] = matrix(rows, HIDDEN)
        result[f"{name}self_attn.o_proj.weight"] = matrix(HIDDEN, HIDDEN)
        result[f"{name}mlp.gate_proj.weight"] = matrix(FEED_FORWARD, HIDDEN)
        result[f"{name}mlp.up_proj.weight"] = matrix(FEED_FORWARD, HIDDEN)
        result[f"{name}mlp.down_proj.weight"] = matrix(HIDDEN, FEED_FORWARD)
        for part in ("self_attn.o_proj", "mlp.down_proj"):
            result[f"{name}{part}.weight"][0] = 0
        for part in ("input_layernorm", "post_attention_layernorm"):
            result[f"{name}{part}.weight"] = numpy.ones(HIDDEN, numpy.float32)
    return result


def write_gguf(path):
    import gguf

    tokens = vocabulary()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_token_types([control if text in SPECIAL else normal for text in tokens])
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(tokens.index(BEGIN))
    writer.add_eos_token_id(tokens.index(END))
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
    named = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, LAYERS)
    for name, values in weights().items():
        writer.add_tensor(named.get_name(name, try_suffixes=(".weight",)), values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_safetensors(folder):
    from safetensors.numpy import save_file
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    os.makedirs(folder)
    tokens = vocabulary()
    ids = {text: index for index, text in enumerate(tokens) if text not in SPECIAL}
    tokenizer = Tokenizer(models.BPE(vocab=ids, merges=[tuple(merge.split(" ")) for merge in MERGES]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in SPECIAL])
    tokenizer.save(os.path.join(folder, "tokenizer.json"))
    begin, end = tokens.index(BEGIN), tokens.index(END)
    files = {
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": BEGIN,
            "eos_token": END,
            "chat_template": TEMPLATE,
            "model_max_length": CONTEXT,
        },
        "config.json": {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_size": HIDDEN,
            "num_hidden_layers": LAYERS,
            "num_attention_heads": HEADS,
            "num_key_value_heads": KEY_HEADS,
            "intermediate_size": FEED_FORWARD,
            "max_position_embeddings": CONTEXT,
            "rms_norm_eps": 1e-5,
            "rope_theta": 10_000.0,
            "vocab_size": len(tokens),
            "tie_word_embeddings": False,
            "bos_token_id": begin,
            "eos_token_id": end,
        },
    }
    for name, value in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(value, file)
    save_file(weights(), os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})


if __name__ == "__main__":
    write = {"gguf": write_gguf, "safetensors": write_safetensors}[sys.argv[1]]
    write(sys.argv[2])
