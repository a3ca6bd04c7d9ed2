"""Trains one model with TRL, as settings.json beside this file says. `accelerate launch` runs it, once a process.

The order of the rows is the schedule: nothing is shuffled, and packing keeps the order. Everything above `train` needs
only Python itself, and is tested without PyTorch.
"""

import fcntl
import json
import math
import os
import signal
import sys
from pathlib import Path

IGNORED = -100  # the label of a token that is not learnt
ROWS_A_RANGE = 2000  # rows that are tokenised together; fixed, so that packing does not depend on the number of workers


class BadRow(Exception):
    """A row that cannot be learnt; its text is the reason under which it is counted."""


# --- rows of a file -------------------------------------------------------------------------------------------------


def byte_ranges(path, rows=ROWS_A_RANGE):
    """[start, end) of each run of `rows` lines, in order; together they are the file."""
    ranges, start, end = [], 0, 0
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            end += len(line)
            if number % rows == 0:
                ranges.append([start, end])
                start = end
    return ranges if start == end else [*ranges, [start, end]]


def read_rows(path, start, end):
    """The rows between two bytes, each parsed on its own: columns may differ from row to row."""
    with open(path, "rb") as file:
        file.seek(start)
        while file.tell() < end:
            yield json.loads(file.readline())


# --- tokens and labels ----------------------------------------------------------------------------------------------


def response_spans(render, messages):
    """The rendered conversation, and the character spans of it that the assistant wrote, end of turn included."""
    whole = render(messages, False)
    spans = []
    for index, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        before, after = render(messages[:index], True), render(messages[: index + 1], False)
        if not (whole.startswith(before) and whole.startswith(after) and len(before) < len(after)):
            raise BadRow("the chat template rewrites earlier turns")
        spans.append((len(before), len(after)))
    if not spans:
        raise BadRow("no response")
    return whole, spans


def labels_of(ids, offsets, spans):
    """The token where it begins inside a span, else IGNORED."""
    return [
        token if any(start <= first < end and last > first for start, end in spans) else IGNORED
        for token, (first, last) in zip(ids, offsets)
    ]


def example_tokens(row, render, encode):
    """(ids, labels) of a conversation, or of a row that was tokenised before."""
    if "completion_ids" in row:
        return row["prompt_ids"] + row["completion_ids"], [IGNORED] * len(row["prompt_ids"]) + row["completion_ids"]
    text, spans = response_spans(lambda turns, prompt: render(turns, prompt, row.get("tools")), row["messages"])
    ids, offsets = encode(text)
    return ids, labels_of(ids, offsets, spans)


def split_tokens(prompt, whole, encode):
    """The tokens of `whole`, those of its beginning `prompt` apart."""
    if not whole.startswith(prompt):
        raise BadRow("the chat template rewrites earlier turns")
    ids, offsets = encode(whole)
    cut = next((i for i, (first, last) in enumerate(offsets) if first >= len(prompt) and last > first), len(ids))
    return ids[:cut], ids[cut:]


def preference_tokens(row, render, encode):
    """(prompt, chosen, rejected) ids of a pair, or of a row that was tokenised before."""
    if "chosen_ids" in row:
        return row["prompt_ids"], row["chosen_ids"], row["rejected_ids"]
    tools = row.get("tools")
    prompt = render(row["prompt"], True, tools)
    prompt_ids, chosen = split_tokens(prompt, render(row["prompt"] + row["chosen"], False, tools), encode)
    other_ids, rejected = split_tokens(prompt, render(row["prompt"] + row["rejected"], False, tools), encode)
    if prompt_ids != other_ids:
        raise BadRow("prompt and response share a token")
    return prompt_ids, chosen, rejected


# --- length ---------------------------------------------------------------------------------------------------------


def fit_example(ids, labels, limit, truncate):
    """(ids, labels, was cut) within `limit` tokens."""
    if limit is not None and len(ids) > limit:
        if truncate == "drop":
            raise BadRow("longer than maxLength")
        part = slice(None, limit) if truncate == "end" else slice(-limit, None)
        ids, labels, cut = ids[part], labels[part], True
    else:
        cut = False
    if all(label == IGNORED for label in labels[1:]):
        raise BadRow("nothing of the response is left within maxLength" if cut else "empty response")
    return ids, labels, cut


def fit_preference(prompt, chosen, rejected, limit, truncate):
    """(prompt, chosen, rejected, was cut), both sequences within `limit` tokens; the prompt is cut at its start."""
    if not chosen or not rejected:
        raise BadRow("empty response")
    if chosen == rejected:
        raise BadRow("identical sides")
    longest = len(prompt) + max(len(chosen), len(rejected))
    if limit is None or longest <= limit:
        return prompt, chosen, rejected, False
    if truncate == "drop":
        raise BadRow("longer than maxLength")
    if truncate == "start":
        prompt = prompt[min(longest - limit, len(prompt) - 1) :]
    if len(prompt) >= limit:
        raise BadRow("nothing of the response is left within maxLength")
    chosen, rejected = chosen[: limit - len(prompt)], rejected[: limit - len(prompt)]
    if chosen == rejected:
        raise BadRow("identical sides within maxLength")
    return prompt, chosen, rejected, True


def pack(examples, limit):
    """Examples put together, in order, into sequences of at most `limit` tokens; no example is cut or moved."""
    ids, labels, lengths = [], [], []
    for one_ids, one_labels in examples:
        if ids and len(ids) + len(one_ids) > limit:
            yield {"input_ids": ids, "labels": labels, "seq_lengths": lengths}
            ids, labels, lengths = [], [], []
        ids, labels, lengths = ids + one_ids, labels + one_labels, [*lengths, len(one_ids)]
    if ids:
        yield {"input_ids": ids, "labels": labels, "seq_lengths": lengths}


# --- what a trainer is given ----------------------------------------------------------------------------------------


def example_columns(rows, settings, render, encode, counts):
    """Rows of a completion loss: `input_ids`, `labels` and, packed, `seq_lengths`."""

    def fitted():
        for row in rows:
            try:
                ids, labels = example_tokens(row, render, encode)
                ids, labels, cut = fit_example(ids, labels, settings["max_length"], settings["truncate"])
            except BadRow as reason:
                count(counts, str(reason))
                continue
            count(counts, "truncated" if cut else "whole")
            yield ids, labels

    if settings["packing"]:
        yield from pack(fitted(), settings["max_length"])
    else:
        for ids, labels in fitted():
            yield {"input_ids": ids, "labels": labels}


def preference_columns(rows, settings, render, encode, counts):
    """Rows of a preference loss, with the reference's log-probabilities where they were computed before."""
    for row in rows:
        try:
            tokens = preference_tokens(row, render, encode)
            *tokens, cut = fit_preference(*tokens, settings["max_length"], settings["truncate"])
            if cut and settings["reference_logps"] == "stored":
                raise BadRow("truncated, which its reference log-probabilities were not")
        except BadRow as reason:
            count(counts, str(reason))
            continue
        count(counts, "truncated" if cut else "whole")
        columns = dict(zip(("prompt_ids", "chosen_ids", "rejected_ids"), tokens))
        if settings["reference_logps"] == "stored":
            columns |= {name: float(row[name]) for name in ("ref_chosen_logps", "ref_rejected_logps")}
        yield columns


def count(counts, reason):
    counts[reason] = counts.get(reason, 0) + 1


def column_names(settings):
    """The names of the columns that hold token ids, and of those that hold a number."""
    if settings["rows"] == "pairs":
        stored = settings["reference_logps"] == "stored"
        return ["prompt_ids", "chosen_ids", "rejected_ids"], ["ref_chosen_logps", "ref_rejected_logps"] if stored else []
    return ["input_ids", "labels", *(["seq_lengths"] if settings["packing"] else [])], []


def columns_of(ranges, settings, folder):
    """The trainer's rows of some ranges of the data. Runs in worker processes, each with a tokenizer of its own."""
    render, encode = chat_of(settings)
    make = preference_columns if settings["rows"] == "pairs" else example_columns
    for start, end in ranges:
        counts = {}
        yield from make(read_rows(folder / settings["data"], start, end), settings, render, encode, counts)
        write_json(folder / "counts" / f"{start}.json", counts)


def chat_of(settings):
    """How this model's conversations are written as text, and text as (ids, offsets). The template writes BOS, not we."""
    from jinja2 import TemplateError
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(settings["model"])

    def render(messages, prompt, tools=None):
        if not messages:
            return ""
        try:
            return tokenizer.apply_chat_template(messages, tools=tools, tokenize=False, add_generation_prompt=prompt)
        except TemplateError as error:
            raise BadRow(f"the chat template refuses it: {error}") from error

    def encode(text):
        tokens = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        return tokens["input_ids"], tokens["offset_mapping"]

    return render, encode


# --- losses that TRL does not have ----------------------------------------------------------------------------------


def pair_loss(name, options, chosen, rejected, mean_length, softplus, relu):
    """A preference loss on numbers or tensors; a side is (policy, reference, length), log-probabilities are sums."""

    def put_together(value, length):
        return value / length if options.get("logps") == "mean" else value

    if name == "slic":
        policy, _, length = chosen
        lead = put_together(policy, length) - put_together(rejected[0], rejected[2])
        share = {"tokens": mean_length, "mean": length, "sum": 1}[options["regulariser"]]
        return relu(options["delta"] - lead) - options["lambda"] * policy / share
    ratios = [(policy - reference) / (length if name == "dpo-norm" else 1) for policy, reference, length in (chosen, rejected)]
    if name == "ipo":
        ratios = [put_together(ratio, side[2]) for ratio, side in zip(ratios, (chosen, rejected))]
        return (ratios[0] - ratios[1] - 1 / (2 * options["beta"])) ** 2
    margin, wrong = options["beta"] * (ratios[0] - ratios[1]), options["labelSmoothing"]
    return (1 - wrong) * softplus(-margin) + wrong * softplus(margin)


# --- files ----------------------------------------------------------------------------------------------------------


def write_json(path, value):
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    os.replace(part, path)


def json_number(value):
    """What JSON can hold of a number or of a tensor with one; NaN and infinity become null."""
    return (float(value) if math.isfinite(value) else None) if not isinstance(value, int) else value


def append_line(path, value):
    """One more line. A line that a killed process left half-written is ended first; readers skip it."""
    with open(path, "a+b") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(json.dumps(value).encode() + b"\n")


def last_checkpoint(folder):
    """The newest checkpoint that is whole (the trainer's state is what is written last), or None."""
    found = [path for path in folder.glob("checkpoint-*") if (path / "trainer_state.json").exists()]
    return max(found, key=lambda path: int(path.name.split("-")[1]), default=None)


def warmup_steps(warmup, steps):
    """A number of steps, or a share of all of them."""
    return math.ceil(warmup * steps) if warmup < 1 else int(warmup)


def lock(folder):
    """Holds this folder; a second training in it is refused. The system lets go when the process ends."""
    file = open(folder / "lock", "w", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(f"another training is under way in {folder}")
    return file


def total_counts(folder):
    totals = {}
    for path in sorted((folder / "counts").glob("*.json")):
        for reason, number in json.loads(path.read_text()).items():
            totals[reason] = totals.get(reason, 0) + number
    return totals


# --- training -------------------------------------------------------------------------------------------------------


def train(settings, folder):
    """Trains, and leaves `model/` (finished) or a checkpoint (stopped). Returns the exit code."""
    import torch
    import transformers
    import trl
    from accelerate import PartialState
    from datasets import Dataset, Features, List, Value

    checkpoints, metrics, stop = folder / "checkpoints", folder / "metrics.jsonl", folder / "stop"
    is_preference, own_loss = settings["rows"] == "pairs", settings["own_loss"]
    base, config = (trl.DPOTrainer, trl.DPOConfig) if is_preference else (trl.SFTTrainer, trl.SFTConfig)
    arguments = config(output_dir=str(checkpoints), **settings["arguments"])
    device = arguments.device  # asking for it joins the other processes, with the time-out that the arguments say
    state = PartialState()
    only = lock(folder) if state.is_main_process else None  # held until this process ends, however it ends
    asked = []  # signals that asked to stop
    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, lambda *_: asked.append(True))

    # 1. the rows, tokenised once, by the first process; the others read what it wrote
    tokenizer = transformers.AutoTokenizer.from_pretrained(settings["model"])
    shape = transformers.AutoConfig.from_pretrained(settings["model"]).get_text_config()
    if len(tokenizer) > shape.vocab_size:
        sys.exit(f"the tokenizer has {len(tokenizer)} tokens and the model {shape.vocab_size}: they do not belong together")
    ids, numbers = column_names(settings)
    with state.main_process_first():
        dataset = Dataset.from_generator(
            columns_of,
            features=Features({**{name: List(Value("int32")) for name in ids}, **{name: Value("float64") for name in numbers}}),
            gen_kwargs={"ranges": byte_ranges(folder / settings["data"]), "settings": settings, "folder": folder},
            cache_dir=str(folder / "cache"),
            num_proc=settings["workers"] or None,
        )
    if len(dataset) == 0:
        sys.exit(f"no row is left to train on: {json.dumps(total_counts(folder))}")

    # 2. the trainer: TRL's own, but in order, on our tokens, with our losses where it has none
    rows_a_step = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps * state.num_processes
    an_epoch = math.ceil(len(dataset) / rows_a_step)
    planned = arguments.max_steps if arguments.max_steps > 0 else math.ceil(an_epoch * arguments.num_train_epochs)
    arguments.warmup_steps = warmup_steps(settings["warmup"], planned)

    class InOrder:
        def _get_train_sampler(self, train_dataset=None):
            return torch.utils.data.SequentialSampler(self.train_dataset if train_dataset is None else train_dataset)

        def _prepare_dataset(self, dataset, *args, **kwargs):
            return dataset

        def _precompute_ref_logps(self, dataset, name, batch_size):
            is_ready = settings["reference_logps"] in ("stored", "none")
            return dataset if is_ready else super()._precompute_ref_logps(dataset, name, batch_size)

        def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
            if not own_loss:
                return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
            outputs = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], use_cache=False)
            loss, sides = batch_loss(torch, settings, outputs.logits, inputs)
            self.note(sides, inputs["attention_mask"].sum(), settings["loss_options"].get("beta", 1.0))
            return (loss, outputs) if return_outputs else loss

        def note(self, sides, tokens, beta):
            """The same names as TRL's. Without a reference a reward is the policy's own log-probability."""
            kept = self._metrics["train" if self.model.training else "eval"]
            every = [self.accelerator.gather(policy.detach()) for policy, _, _ in sides]
            chosen, rejected = [self.accelerator.gather(beta * (policy - ref).detach()) for policy, ref, _ in sides]
            self._total_train_tokens += self.accelerator.gather(tokens).sum().item()
            kept["num_tokens"] = [self._total_train_tokens]
            for name, value in {
                "logps/chosen": every[0],
                "logps/rejected": every[1],
                "rewards/chosen": chosen,
                "rewards/rejected": rejected,
                "rewards/margins": chosen - rejected,
                "rewards/accuracies": (chosen > rejected).float(),
            }.items():
                kept[name].append(value.mean().item())

    class Watch(transformers.TrainerCallback):
        """Writes metrics, stops where asked to, and stops before a diverged step is saved."""

        has_diverged = False

        def on_log(self, args, state, control, logs=None, **kwargs):
            if "loss" not in (logs or {}):
                return
            if state.is_world_process_zero:
                append_line(metrics, {"step": state.global_step, **{key: json_number(value) for key, value in logs.items()}})
            if not all(math.isfinite(logs.get(name, 0)) for name in ("loss", "grad_norm")):
                self.has_diverged = control.should_training_stop = True
                control.should_save = False

        def on_step_end(self, args, state, control, **kwargs):
            if on_any_process(torch, bool(asked) or stop.exists(), device):
                control.should_save = control.should_training_stop = True

    peft_config = None
    if settings["lora"]:
        from peft import LoraConfig

        peft_config = LoraConfig(task_type="CAUSAL_LM", **settings["lora"])
    extra = {}
    if settings["reference"] and settings["reference_logps"] in ("precomputed", "online"):
        extra["ref_model"] = transformers.AutoModelForCausalLM.from_pretrained(settings["reference"], dtype=torch.float32)
    watch = Watch()
    trainer = type("PostgradTrainer", (InOrder, base), {})(
        model=settings["model"],
        args=arguments,
        train_dataset=dataset,
        processing_class=tokenizer,
        callbacks=[watch],
        peft_config=peft_config,
        **extra,
    )

    # 3. the run, from the last whole checkpoint where there is one
    resumed = last_checkpoint(checkpoints)
    trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    steps, planned = trainer.state.global_step, trainer.state.max_steps
    status = "diverged" if watch.has_diverged else "finished" if steps >= planned else "stopped"

    # 4. the model, under its name only when it is whole
    if status == "finished":
        save(trainer, tokenizer, settings, folder, state)
    if state.is_main_process:
        write_json(folder / "report.json", {"status": status, "steps": steps, "planned": planned, "rows": total_counts(folder)})
        only.close()
    state.wait_for_everyone()
    return 3 if status == "diverged" else 0


def batch_loss(torch, settings, logits, inputs):
    """The mean loss of a batch, chosen ones in its first half; and (policy, reference, length) of both sides."""
    policy, length = sequence_logps(torch, logits, inputs["input_ids"], inputs["completion_mask"])
    none = torch.zeros(len(policy) // 2, device=policy.device)
    reference = [inputs.get("ref_chosen_logps", none), inputs.get("ref_rejected_logps", none)]
    sides = list(zip(policy.chunk(2), reference, length.chunk(2)))
    name, options, functional = settings["loss"], settings["loss_options"], torch.nn.functional
    losses = pair_loss(name, options, *sides, sides[0][2].mean(), functional.softplus, functional.relu)
    return losses.mean(), sides


def sequence_logps(torch, logits, ids, mask):
    """Sum of the log-probabilities of the masked tokens of each row, and how many they are."""
    mask = mask[:, 1:]
    logits = logits[:, :-1].float()
    logps = logits.gather(-1, ids[:, 1:, None]).squeeze(-1) - logits.logsumexp(-1)
    return (logps * mask).sum(1), mask.sum(1).clamp(min=1).float()


def on_any_process(torch, flag, device):
    """Whether any process says so; all of them hear the same answer and stop at the same step."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return flag
    value = torch.tensor(int(flag), device=device)
    torch.distributed.all_reduce(value, op=torch.distributed.ReduceOp.MAX)
    return bool(value.item())


def save(trainer, tokenizer, settings, folder, state):
    """A Hugging Face folder; an adapter is merged into its model first."""
    part = folder / "model.part"
    trainer.save_model(str(folder / "adapter" if settings["lora"] else part))
    if state.is_main_process:
        if settings["lora"]:
            import torch
            from peft import AutoPeftModelForCausalLM

            adapted = AutoPeftModelForCausalLM.from_pretrained(str(folder / "adapter"), dtype=torch.float32)
            merged = adapted.merge_and_unload()
            merged.save_pretrained(part)
        tokenizer.save_pretrained(part)
        os.replace(part, folder / "model")
    state.wait_for_everyone()


def main():
    folder = Path(__file__).resolve().parent
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    size = (folder / settings["data"]).stat().st_size
    if size != settings["data_bytes"]:
        sys.exit(f"{settings['data']} has {size} bytes and not {settings['data_bytes']}: it did not arrive whole")
    sys.exit(train(settings, folder))


if __name__ == "__main__":
    main()
