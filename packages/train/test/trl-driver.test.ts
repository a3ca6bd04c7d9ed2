import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { execa } from "execa";
import { afterAll, describe, expect, test } from "vitest";

import { chooseLoss, evaluatePair } from "../src/index.ts";
import { driverFile } from "../src/trl/files.ts";

const scratch = mkdtempSync(join(tmpdir(), "postgrad-driver-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

// The driver's data path needs Python's standard library and nothing else.
const hasPython = !(await execa({ reject: false })`python3 --version`).failed;

/** The value of a Python expression that uses the driver; `data` is there as `data`. */
async function python(expression: string, data: unknown = null, more = ""): Promise<unknown> {
  const code = `
import json, math, sys
sys.dont_write_bytecode = True
sys.path.insert(0, ${JSON.stringify(dirname(driverFile))})
from driver import *
data = json.load(sys.stdin)
def chat(messages, prompt, tools=None):
    text = "".join(f"<{m['role']}>{m['content']}<end>" for m in messages)
    return text + ("<assistant>" if prompt else "")
def characters(text):
    return [ord(c) for c in text], [(i, i + 1) for i in range(len(text))]
def reason(action):
    try: return action()
    except BadRow as error: return str(error)
${more}
print(json.dumps(${expression}))`;
  const { stdout } = await execa({ input: JSON.stringify(data) })`python3 -c ${code}`;
  return JSON.parse(stdout);
}

const text = (ids: unknown): string => String.fromCodePoint(...(ids as number[]));

describe.skipIf(!hasPython)(
  "on plain Python (skipped where python3 is missing), the driver",
  () => {
    const messages = [
      { role: "user", content: "One?" },
      { role: "assistant", content: "Two." },
      { role: "user", content: "More?" },
      { role: "assistant", content: "Three." },
    ];

    test("learns what the assistant wrote, end of turn included, and nothing else", async () => {
      const [ids, labels] = (await python("example_tokens(data, chat, characters)", {
        messages,
      })) as [number[], number[]];
      expect(text(ids)).toBe(
        "<user>One?<end><assistant>Two.<end><user>More?<end><assistant>Three.<end>",
      );
      expect(text(labels.filter((label) => label !== -100))).toBe("Two.<end>Three.<end>");
      expect(labels.every((label, i) => label === -100 || label === ids[i])).toBe(true);
    });

    test("takes a token that reaches from the prompt into the response for the prompt's", async () => {
      const labels = await python(
        "labels_of([7, 8, 9, 10], [(0, 3), (3, 6), (6, 6), (6, 9)], [(4, 9)])",
      );
      expect(labels).toEqual([-100, -100, -100, 10]);
    });

    test("takes tokenised rows as they are", async () => {
      const row = { prompt_ids: [1, 2], completion_ids: [3] };
      expect(await python("example_tokens(data, chat, characters)", row)).toEqual([
        [1, 2, 3],
        [-100, -100, 3],
      ]);
      const pair = { prompt_ids: [1], chosen_ids: [2, 3], rejected_ids: [4] };
      expect(await python("preference_tokens(data, chat, characters)", pair)).toEqual([
        [1],
        [2, 3],
        [4],
      ]);
    });

    test("refuses a template that rewrites earlier turns", async () => {
      const forgets = `
def forgetful(messages, prompt, tools=None):
    return chat([m for m in messages if m is messages[-1] or m["role"] != "assistant"], prompt)`;
      const found = await python(
        "reason(lambda: example_tokens(data, forgetful, characters))",
        { messages },
        forgets,
      );
      expect(found).toBe("the chat template rewrites earlier turns");
    });

    test("splits a pair where the response begins", async () => {
      const pair = {
        prompt: messages.slice(0, 1),
        chosen: messages.slice(1, 2),
        rejected: messages.slice(3),
      };
      const found = (await python("preference_tokens(data, chat, characters)", pair)) as number[][];
      expect(found.map(text)).toEqual(["<user>One?<end><assistant>", "Two.<end>", "Three.<end>"]);
    });

    test("cuts the side it is told to, and counts what has nothing left", async () => {
      const cases = [
        [null, "end"],
        [3, "end"],
        [3, "start"],
        [3, "drop"],
        [2, "end"],
      ];
      const fit = "reason(lambda: fit_example([1, 2, 3, 4], [-100, -100, 3, 4], limit, side))";
      expect(await python(`[${fit} for limit, side in data]`, cases)).toEqual([
        [[1, 2, 3, 4], [-100, -100, 3, 4], false],
        [[1, 2, 3], [-100, -100, 3], true],
        [[2, 3, 4], [-100, 3, 4], true],
        "longer than maxLength",
        "nothing of the response is left within maxLength",
      ]);
      // Nothing comes before the first token of a sequence: its label predicts nothing.
      expect(await python("reason(lambda: fit_example([1], [1], None, 'end'))")).toBe(
        "empty response",
      );
    });

    test("cuts the prompt of a pair at its start or both responses at their end", async () => {
      const cases = [
        [5, "end", [6]],
        [4, "end", [6]],
        [4, "start", [6]],
        [2, "start", [6]],
        [3, "end", [6]],
        [4, "end", [4, 6]],
        [9, "end", [4, 5]],
        [9, "end", []],
      ];
      const fit = "reason(lambda: fit_preference([1, 2, 3], [4, 5], rejected, limit, side))";
      expect(await python(`[${fit} for limit, side, rejected in data]`, cases)).toEqual([
        [[1, 2, 3], [4, 5], [6], false],
        [[1, 2, 3], [4], [6], true],
        [[2, 3], [4, 5], [6], true],
        [[3], [4], [6], true],
        "nothing of the response is left within maxLength",
        "identical sides within maxLength",
        "identical sides",
        "empty response",
      ]);
    });

    test("packs in order: no row is moved, cut or lost", async () => {
      const lengths = [3, 4, 1, 8, 2, 2, 5, 9];
      const packed = (await python(
        "list(pack(([([n] * n, [-100] + [n] * (n - 1)) for n in data]), 8))",
        lengths.filter((n) => n <= 8),
      )) as { input_ids: number[]; labels: number[]; seq_lengths: number[] }[];
      expect(packed.map(({ seq_lengths }) => seq_lengths)).toEqual([[3, 4, 1], [8], [2, 2], [5]]);
      expect(packed.flatMap(({ input_ids }) => input_ids)).toEqual(
        [3, 4, 1, 8, 2, 2, 5].flatMap((n) => Array<number>(n).fill(n)),
      );
      expect(packed.every(({ labels, input_ids }) => labels.length === input_ids.length)).toBe(
        true,
      );
    });

    test("reads a file in ranges that are the file, whatever is in its lines", async () => {
      const rows = Array.from({ length: 7 }, (_, i) => ({ i, text: "ä€😀\u2028\n".repeat(i) }));
      const file = join(scratch, "rows.jsonl");
      writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
      const found = await python(
        "[[row for a, b in byte_ranges(data, size) for row in read_rows(data, a, b)] for size in (1, 3, 7, 100)]",
        file,
      );
      expect(found).toEqual([rows, rows, rows, rows]);
    });

    test("makes columns and counts every row once", async () => {
      const rows = [
        { prompt_ids: [1, 2], completion_ids: [3, 4] },
        { prompt_ids: [1, 2, 3, 4, 5], completion_ids: [6] },
        { prompt_ids: [1], completion_ids: [2, 3, 4, 5, 6] },
      ];
      const settings = { max_length: 5, truncate: "end", packing: false };
      const found = await python(
        "(lambda counts: [list(example_columns(data['rows'], data['settings'], chat, characters, counts)), counts])({})",
        { rows, settings },
      );
      expect(found).toEqual([
        [
          { input_ids: [1, 2, 3, 4], labels: [-100, -100, 3, 4] },
          { input_ids: [1, 2, 3, 4, 5], labels: [-100, 2, 3, 4, 5] },
        ],
        { whole: 1, truncated: 1, "nothing of the response is left within maxLength": 1 },
      ]);
    });

    test("leaves out a pair that its own reference log-probabilities no longer fit", async () => {
      const row = {
        prompt_ids: [1],
        rejected_ids: [9],
        ref_chosen_logps: -3,
        ref_rejected_logps: -1,
      };
      const rows = [
        { ...row, chosen_ids: [2] },
        { ...row, chosen_ids: [2, 3, 4] },
      ];
      const settings = { max_length: 3, truncate: "end", reference_logps: "stored" };
      const found = await python(
        "(lambda counts: [list(preference_columns(data['rows'], data['settings'], chat, characters, counts)), counts])({})",
        { rows, settings },
      );
      expect(found).toEqual([
        [{ ...row, chosen_ids: [2] }],
        { whole: 1, "truncated, which its reference log-probabilities were not": 1 },
      ]);
    });

    test("writes numbers as JSON can hold them", async () => {
      const numbers = "[json_number(value) for value in (3, 0.25, float('nan'), float('inf'))]";
      expect(await python(numbers)).toEqual([3, 0.25, null, null]);
    });

    test("computes the losses that TRL has not as the embedded trainer does", async () => {
      const losses = [
        ["dpo", { beta: 0.1, labelSmoothing: 0.2 }],
        ["dpo-norm", { beta: 5, labelSmoothing: 0.1 }],
        ["ipo", { beta: 0.1, logps: "sum" }],
        ["ipo", { beta: 0.1, logps: "mean" }],
        ["slic", { delta: 1, lambda: 1 }],
        ["slic", { delta: 2, lambda: 0.5, logps: "mean", regulariser: "mean" }],
        ["slic", { delta: 9, lambda: 0.5, regulariser: "sum" }],
      ] as const;
      const chosen = losses.map(([name, given]) => chooseLoss(name, given));
      const found = await python(
        "[pair_loss(name, options, (-40, -42, 20), (-36, -35, 12), 16, lambda x: max(x, 0) + math.log1p(math.exp(-abs(x))), lambda x: max(x, 0)) for name, options in data]",
        chosen.map(({ loss, options }) => [loss.name, options]),
      );
      const better = { policy: -40, reference: -42, length: 20 };
      const worse = { policy: -36, reference: -35, length: 12 };
      for (const [i, one] of chosen.entries()) {
        const { loss } = evaluatePair(one, better, worse, 16);
        expect((found as number[])[i], JSON.stringify(losses[i])).toBeCloseTo(loss, 12);
      }
    });

    test("takes the newest whole checkpoint, by number", async () => {
      const more = `
import tempfile
folder = Path(tempfile.mkdtemp(dir=data))
for name in ("checkpoint-9", "checkpoint-10", "checkpoint-11"):
    (folder / name).mkdir()
    if name != "checkpoint-11": (folder / name / "trainer_state.json").write_text("{}")`;
      const found = "[last_checkpoint(folder).name, last_checkpoint(folder / 'none')]";
      expect(await python(found, scratch, more)).toEqual(["checkpoint-10", null]);
    });

    test("reads warm-up as steps or as a share of them", async () => {
      expect(
        await python("[warmup_steps(0.03, 101), warmup_steps(500, 101), warmup_steps(0, 9)]"),
      ).toEqual([4, 500, 0]);
    });
  },
);
