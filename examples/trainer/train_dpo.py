"""Direct preference optimisation (Rafailov et al. 2023, equation 7) of a causal language model on the pairs of a Wellspring corpus, as they come.

Each checkpoint is one folder with the weights, the optimiser and the position in the topic, and it appears whole or not at all: after a
crash the run goes on with the weights that have seen exactly the pairs before that position. Needs torch and transformers beside
requirements.txt. It is an example of the plumbing, on one device and without the tricks of a trainer of record.
"""

import argparse
import copy
import json
import os
import shutil

import torch
import torch.nn.functional as functional
from confluent_kafka import KafkaException
from preference_pairs import LostPairs, Pair, PreferencePairs, Retraction, add_place, place_of, read_state, write_state
from transformers import AutoModelForCausalLM, AutoTokenizer

STATE_FILE = "position.json"
OPTIMISER_FILE = "optimiser.pt"
IGNORED = -100
MODEL_FOLDER = "model"


def encode(tokenizer, prompt: str, completion: str, most_tokens: int) -> tuple[list[int], list[int]]:
    """Tokens of prompt and completion, and labels that leave the prompt out."""
    if tokenizer.chat_template:
        messages = [{"role": "user", "content": prompt}]
        head = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    else:
        head = f"{prompt}\n\n"
    before = tokenizer(head, add_special_tokens=False)["input_ids"]
    after = tokenizer(completion, add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id]
    # A long prompt loses its beginning, so that something is left to learn.
    before = before[-max(1, most_tokens // 2) :]
    tokens = (before + after)[:most_tokens]
    labels = ([IGNORED] * len(before) + after)[:most_tokens]
    return tokens, labels


def log_probabilities(model, sequences: list[tuple[list[int], list[int]]]) -> torch.Tensor:
    """Sum of the log-probabilities of the labelled tokens, for each sequence."""
    longest = max(len(tokens) for tokens, _ in sequences)
    tokens = torch.tensor([row + [0] * (longest - len(row)) for row, _ in sequences], device=model.device)
    labels = torch.tensor([row + [IGNORED] * (longest - len(row)) for _, row in sequences], device=model.device)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row, _ in sequences], device=model.device)
    logits = model(input_ids=tokens, attention_mask=mask).logits[:, :-1].float()
    targets = labels[:, 1:]
    each = -functional.cross_entropy(logits.transpose(1, 2), targets, ignore_index=IGNORED, reduction="none")
    return each.sum(dim=1)


def dpo_loss(model, reference, tokenizer, batch: list[Pair], beta: float, most_tokens: int) -> torch.Tensor:
    """Mean over the batch of -log sigmoid(beta * (gain of chosen - gain of rejected)), gains against the reference."""
    sequences = [
        encode(tokenizer, pair.prompt, completion, most_tokens)
        for pair in batch
        for completion in (pair.chosen, pair.rejected)
    ]
    with torch.no_grad():
        before = log_probabilities(reference, sequences)
    gain = log_probabilities(model, sequences) - before
    return -functional.logsigmoid(beta * (gain[0::2] - gain[1::2])).mean()


def newest_checkpoint(into: str) -> tuple[int, str | None]:
    """Steps of the last whole checkpoint and its folder; 0 and none at the beginning."""
    names = os.listdir(into) if os.path.isdir(into) else []
    steps = sorted(int(name.removeprefix("step-")) for name in names if name.removeprefix("step-").isdigit())
    return (steps[-1], os.path.join(into, f"step-{steps[-1]}")) if steps else (0, None)


def save(into: str, step: int, model, tokenizer, optimiser, state: dict) -> str:
    """One checkpoint, whole or not at all. @returns its folder"""
    folder = os.path.join(into, f"step-{step}")
    unfinished = f"{folder}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    os.makedirs(unfinished)
    model.save_pretrained(os.path.join(unfinished, MODEL_FOLDER))
    tokenizer.save_pretrained(os.path.join(unfinished, MODEL_FOLDER))
    torch.save(optimiser.state_dict(), os.path.join(unfinished, OPTIMISER_FILE))
    write_state(os.path.join(unfinished, STATE_FILE), state)
    os.replace(unfinished, folder)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains a language model on preference pairs from Kafka.")
    add_place(parser)
    parser.add_argument("--model", required=True, help="folder or name of the model to begin with; it is the reference too")
    parser.add_argument("--into", required=True, help="folder of the checkpoints; a run goes on from the last one")
    parser.add_argument("--batch", type=int, default=8, help="pairs a step (default 8)")
    parser.add_argument("--steps", type=int, help="end after so many steps in all (default: at the end of the topic)")
    parser.add_argument("--checkpoint-every", type=int, default=100, help="steps (default 100)")
    parser.add_argument("--learning-rate", type=float, default=1e-6)
    parser.add_argument("--beta", type=float, default=0.1)
    parser.add_argument("--most-tokens", type=int, default=2048, help="of a prompt and an attempt together (default 2048)")
    options = parser.parse_args()

    step, folder = newest_checkpoint(options.into)
    begin = options.model if folder is None else os.path.join(folder, MODEL_FOLDER)
    tokenizer = AutoTokenizer.from_pretrained(begin)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = AutoModelForCausalLM.from_pretrained(begin).to(device).train()
    reference = model if folder is None else AutoModelForCausalLM.from_pretrained(options.model).to(device)
    reference = copy.deepcopy(reference).eval().requires_grad_(False)
    optimiser = torch.optim.AdamW(model.parameters(), lr=options.learning_rate)
    if folder is not None:
        optimiser.load_state_dict(torch.load(os.path.join(folder, OPTIMISER_FILE), weights_only=True))
        print(json.dumps({"resumed": folder}), flush=True)

    def report(retraction: Retraction) -> None:
        # Its weights have seen it: whether that matters is for a person to say.
        print(json.dumps({"retracted": retraction.problem_id, "reason": retraction.reason}), flush=True)

    state = None if folder is None else read_state(os.path.join(folder, STATE_FILE))
    pairs = PreferencePairs(**place_of(options), state=state, on_retraction=report)
    saved = step
    try:
        for batch in pairs.batches(options.batch):
            if options.steps is not None and step >= options.steps:
                break
            loss = dpo_loss(model, reference, tokenizer, batch, options.beta, options.most_tokens)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            step += 1
            print(json.dumps({"step": step, "pairs": len(batch), "loss": round(loss.item(), 6)}), flush=True)
            if step % options.checkpoint_every == 0 or step == options.steps:
                position = pairs.state()
                save(options.into, step, model, tokenizer, optimiser, position)
                pairs.commit(position)
                saved = step
    except (KafkaException, LostPairs, ValueError) as error:
        raise SystemExit(f"train_dpo: {error}") from error
    if step > saved:
        save(options.into, step, model, tokenizer, optimiser, pairs.state())
    print(json.dumps({"done": step, "model": os.path.join(options.into, f"step-{step}", MODEL_FOLDER)}))


if __name__ == "__main__":
    main()
