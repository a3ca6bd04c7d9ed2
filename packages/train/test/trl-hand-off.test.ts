import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { handOff, type HandOffConfig, type HandOffInput } from "../src/index.ts";

// The real processes, files and driver; of Python's packages, scripted stand-ins that learn by writing down what they are given.
const scripted = join(import.meta.dirname, "fixtures/scripted");
const hasPython = !(await execa({ reject: false })`python3 --version`).failed;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "postgrad-hand-off-"));
  mkdirSync(join(folder, "base"));
  writeFileSync(join(folder, "base/config.json"), '{"vocab_size": 128}');
  writeFileSync(join(folder, "base/tokenizer.json"), "{}");
  const python = `#!/bin/sh\nPYTHONPATH='${scripted}' PYTHONDONTWRITEBYTECODE=1 exec python3 "$@"\n`;
  writeFileSync(join(folder, "python"), python);
  chmodSync(join(folder, "python"), 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const conversation = (content: string) => ({
  id: `id of ${content}`,
  messages: [
    { role: "user", content },
    { role: "assistant", content: "Yes." },
  ],
  meta: { skill: "any" },
});

const pair = (content: string, more = {}) => ({
  prompt: [{ role: "user", content }],
  chosen: [{ role: "assistant", content: "Yes." }],
  rejected: [{ role: "assistant", content: "No." }],
  meta: {},
  ...more,
});

/** A run of four rows a step, on the CPU, in the scratch folder. */
const train = (options: Partial<HandOffConfig>, rows: HandOffInput["rows"], watching = {}) =>
  handOff(
    {
      model: join(folder, "base"),
      out: join(folder, "models/new"),
      python: join(folder, "python"),
      gpus: 0,
      batchSize: 2,
      ...options,
    },
    { rows, interval: 20, ...watching },
  );

const work = () => join(folder, "models/new.trl");
const readJson = (file: string): unknown => JSON.parse(readFileSync(join(folder, file), "utf8"));
const learnt = (file = "models/new/model.safetensors") =>
  (readJson(file) as { input_ids?: number[]; prompt_ids?: number[] }[]).map((row) =>
    String.fromCodePoint(...(row.input_ids ?? row.prompt_ids)!),
  );
const names = ["a", "b", "c", "d", "e", "f"];
const inOrder = names.map((name) => `<u>${name}|<a>Yes.|`);

describe.skipIf(!hasPython)(
  "with scripted packages (skipped where python3 is missing)",
  { timeout: 60_000 },
  () => {
    test("rows are learnt in their order, and the model lies under its name with its metrics", async () => {
      const seen: number[] = [];
      const rows = [
        ...names.map(conversation),
        conversation("long".repeat(20)),
        { ...conversation("g"), messages: [{ role: "user", content: "?" }] },
      ];
      const onMetrics = ({ step }: { step: number }) => seen.push(step);
      const result = await train({ maxLength: 40, truncate: "drop" }, rows, { onMetrics });
      expect(result).toMatchObject({
        model: join(folder, "models/new"),
        rows: 7,
        drops: { "empty response": 1 },
        report: {
          status: "finished",
          steps: 3,
          planned: 3,
          rows: { whole: 6, "longer than maxLength": 1 },
        },
      });
      expect(learnt()).toEqual(inOrder);
      expect(seen).toEqual([1, 2, 3]);
      const metrics = readFileSync(join(folder, "models/new/metrics.jsonl"), "utf8").split("\n");
      expect(JSON.parse(metrics[2]!)).toEqual({
        step: 3,
        loss: 1 / 6,
        grad_norm: 1,
        learning_rate: 1e-5,
      });
      expect(existsSync(join(folder, "models/new/tokenizer.json"))).toBe(true);
      expect(readFileSync(join(work(), "train.log"), "utf8")).toContain("launching");
    });

    test("steps count over several passes, each in the same order", async () => {
      await train({ steps: 4 }, names.map(conversation));
      expect(learnt()).toEqual([...inOrder, ...inOrder.slice(0, 2)]);
    });

    test("packed rows stay in order", async () => {
      const attention = { packing: true, attention: "flash_attention_3" };
      await train({ ...attention, maxLength: 26, batchSize: 1 }, names.map(conversation));
      expect(learnt()).toEqual([0, 2, 4].map((i) => inOrder.slice(i, i + 2).join("")));
    });

    test("pairs bring their reference along, or TRL computes it; SLiC-HF needs none", async () => {
      const known = { ref_chosen_logps: -3, ref_rejected_logps: -4 };
      const refs = async (loss: string, more: object) => {
        await train({ loss, out: join(folder, `models/${loss}`) }, [
          pair("a", more),
          pair("b", more),
        ]);
        const rows = readJson(`models/${loss}/model.safetensors`) as (typeof known)[];
        return rows.map((row) => row.ref_chosen_logps);
      };
      expect(await refs("dpo", known)).toEqual([-3, -3]);
      expect(await refs("ipo", {})).toEqual([-1, -1]);
      expect(await refs("slic", {})).toEqual([undefined, undefined]);
    });

    test("a killed run goes on from its checkpoint to the same model", async () => {
      const rows = ["a", "b", "c", "d", "crash", "f"].map(conversation);
      await expect(train({ saveEvery: 1 }, rows)).rejects.toMatchObject({
        code: "train/trl-failed",
        fault: "system",
        message: expect.stringMatching(
          /ended with exit code 1; .*train\.log ends with:[^]*exit status 9[^]*"resume"/,
        ),
      });
      expect(existsSync(join(folder, "models/new"))).toBe(false);
      await expect(train({ saveEvery: 1 }, rows)).rejects.toMatchObject({
        code: "train/trl-exists",
      });
      const { report } = await train({ saveEvery: 1, resume: true }, rows);
      expect(report).toMatchObject({ status: "finished", steps: 3 });
      expect(learnt()).toEqual(
        ["a", "b", "c", "d", "crash", "f"].map((name) => `<u>${name}|<a>Yes.|`),
      );
      const metrics = readFileSync(join(folder, "models/new/metrics.jsonl"), "utf8")
        .trim()
        .split("\n");
      expect(metrics.map((line) => (JSON.parse(line) as { step: number }).step)).toEqual([1, 2, 3]);
    });

    test("a run is resumed with the same settings and rows only", async () => {
      const rows = ["a", "crash"].map(conversation);
      await expect(train({ batchSize: 1, saveEvery: 1 }, rows)).rejects.toThrow("exit code");
      const resume = { batchSize: 1, saveEvery: 1, resume: true };
      await expect(train({ ...resume, lr: 1 }, rows)).rejects.toThrow(
        /other settings or rows[^]*arguments: was .*"learning_rate":0.00001/,
      );
      await expect(train(resume, [...rows, conversation("new")])).rejects.toThrow(
        /data_sha256: was/,
      );
      await expect(train(resume, rows)).resolves.toMatchObject({
        model: join(folder, "models/new"),
      });
    });

    test("a stop saves the step in hand, and the run goes on from there", async () => {
      const rows = ["slow 1", "slow 2", "slow 3"].map(conversation);
      const stop = new AbortController();
      const options = { batchSize: 1, saveEvery: 100 };
      const stopping = train(options, rows, { signal: stop.signal, onMetrics: () => stop.abort() });
      await expect(stopping).rejects.toMatchObject({ code: "train/stopped" });
      expect(existsSync(join(work(), "checkpoints/checkpoint-2/trainer_state.json"))).toBe(true);
      await train({ ...options, resume: true }, rows);
      expect(learnt()).toEqual(["slow 1", "slow 2", "slow 3"].map((name) => `<u>${name}|<a>Yes.|`));
    });

    describe("under Slurm", () => {
      const slurm = { slurm: true, gpus: 1, machines: 2, parallelism: "ddp" } as const;
      beforeEach(() => {
        vi.stubEnv("PATH", `${scripted}/slurm:${process.env["PATH"]}`);
      });
      afterEach(() => vi.unstubAllEnvs());

      test("the submitted job runs to its end, each machine with its rank", async () => {
        const slurmSetup = ["echo set up here"];
        await train(
          { ...slurm, slurmSetup, out: join(folder, "it's new") },
          names.map(conversation),
        );
        expect(learnt("it's new/model.safetensors")).toEqual(inOrder);
        const log = readFileSync(join(folder, "it's new.trl/train.log"), "utf8");
        expect(log).toContain("set up here\n");
        expect(log).toContain(
          "launching --machine_rank 0 --main_process_ip machine-0 --main_process_port 29500 ",
        );
      });

      test("a job that nears its time limit is saved, and goes on when it is submitted again", async () => {
        const rows = ["slow 1", "slow 2", "slow 3", "slow 4"].map(conversation);
        vi.stubEnv("SCRIPTED_LIMIT", "1.2");
        await expect(train(slurm, rows)).rejects.toMatchObject({ code: "train/stopped" });
        vi.stubEnv("SCRIPTED_LIMIT", "");
        await train({ ...slurm, resume: true }, rows);
        expect(learnt()).toEqual(rows.map(({ messages }) => `<u>${messages[0]!.content}|<a>Yes.|`));
      });
    });

    test("a loss that is not a number ends the run, the checkpoint before it kept", async () => {
      const rows = ["a", "nan", "b"].map(conversation);
      await expect(train({ batchSize: 1, saveEvery: 1 }, rows)).rejects.toMatchObject({
        code: "train/diverged",
        message: expect.stringContaining("not finite at step 2 of 3"),
      });
      expect(existsSync(join(work(), "checkpoints/checkpoint-1"))).toBe(true);
      expect(existsSync(join(work(), "checkpoints/checkpoint-2"))).toBe(false);
      const metrics = readFileSync(join(work(), "metrics.jsonl"), "utf8");
      expect(metrics).toContain('{"step": 2, "loss": null,');
    });

    test("a second training in the same folder is refused", async () => {
      const rows = ["slow 1", "slow 2"].map(conversation);
      let second: Promise<unknown> | undefined;
      const onMetrics = () => {
        second ??= execa({
          reject: false,
          all: true,
        })`${join(folder, "python")} ${join(work(), "driver.py")}`;
      };
      await train({ batchSize: 1 }, rows, { onMetrics });
      expect(await second).toMatchObject({
        exitCode: 1,
        all: expect.stringContaining("another training is under way"),
      });
    });

    test("rows without anything to learn, and a foreign tokenizer, end it with their reason", async () => {
      await expect(train({ maxLength: 4 }, [conversation("a")])).rejects.toThrow(
        "no row is left to train on",
      );
      rmSync(work(), { recursive: true });
      writeFileSync(join(folder, "base/config.json"), '{"vocab_size": 100}');
      await expect(train({}, [conversation("a")])).rejects.toThrow(
        "the tokenizer has 128 tokens and the model 100",
      );
    });

    test("what the machine lacks is told before anything is written", async () => {
      const lora = { loraRank: 8, gpus: 2, parallelism: "zero3" } as const;
      const failing = train(lora, names.map(conversation));
      await expect(failing).rejects.toMatchObject({ code: "train/trl-machine", fault: "user" });
      const message = await failing.catch((error: unknown) => (error as Error).message);
      expect(message).toContain(
        `  deepspeed: not found, needed 0.14.4 or later for parallelism "zero3"; ${join(folder, "python")} -m pip install "deepspeed>=0.14.4"`,
      );
      expect(message).toContain("  peft: not found");
      expect(message).toContain(
        '  GPU: found 0, needed 2 that PyTorch sees; nvidia-smi says what is there; set "gpus" to 0',
      );
      expect(message).not.toContain("trl:");
      expect(existsSync(join(folder, "models"))).toBe(false);
    });
  },
);

test("a machine without Python is told which command brings it", async () => {
  await expect(train({ python: "python-that-is-not-there" }, [])).rejects.toThrow(
    /python-that-is-not-there: not found, needed Python 3\.10 or later; apt-get install python3/,
  );
});

describe("a dry run", () => {
  test("writes all, starts nothing, and asks nothing of the machine", async () => {
    const dry = {
      dryRun: true,
      python: "python-that-is-not-there",
      gpus: 8,
      batchSize: 64,
      slurm: true,
    };
    const result = await train(dry, names.map(conversation));
    expect(result).toEqual({
      folder: work(),
      commands: [`sbatch --wait ${join(work(), "job.sbatch")}`],
      rows: 6,
      drops: {},
      model: undefined,
      report: undefined,
    });
    const files = ["accelerate.yaml", "driver.py", "job.sbatch", "settings.json", "train.jsonl"];
    expect(files.filter((file) => existsSync(join(work(), file)))).toEqual(files);
    const [first] = readFileSync(join(work(), "train.jsonl"), "utf8").split("\n");
    const { id, messages } = conversation("a");
    expect(JSON.parse(first!)).toEqual({ id, messages });
    await expect(train(dry, names.map(conversation))).resolves.toEqual(result); // and again
  });

  test("names the row that is none", async () => {
    await expect(train({ dryRun: true }, [conversation("a"), { messages: [] }])).rejects.toThrow(
      /line 2: .*messages/,
    );
  });

  test("leaves out pairs with nothing to tell apart", async () => {
    const same = { rejected: [{ role: "assistant", content: "Yes." }] };
    const empty = { rejected: [{ role: "assistant", content: " " }] };
    const { rows, drops } = await train({ dryRun: true, loss: "dpo" }, [
      pair("a"),
      pair("b", same),
      pair("c", empty),
    ]);
    expect({ rows, drops }).toEqual({
      rows: 1,
      drops: { "identical sides": 1, "empty response": 1 },
    });
  });

  test("reads the rows of a file", async () => {
    const data = join(folder, "rows.jsonl");
    writeFileSync(data, names.map((name) => `${JSON.stringify(conversation(name))}\n`).join(""));
    expect(await train({ dryRun: true, data }, undefined)).toMatchObject({ rows: 6 });
    await expect(train({ dryRun: true }, undefined)).rejects.toMatchObject({
      code: "train/trl-data",
    });
  });

  test("takes the reference where TRL can: not beforehand under fsdp", async () => {
    const settingsOf = async (options: Partial<HandOffConfig>, row: object) => {
      await train({ dryRun: true, gpus: 2, ...options }, [row]);
      const settings = readJson("models/new.trl/settings.json") as {
        reference_logps: string;
        arguments: { precompute_ref_log_probs: boolean };
      };
      return [settings.reference_logps, settings.arguments.precompute_ref_log_probs];
    };
    const known = pair("a", { ref_chosen_logps: -3, ref_rejected_logps: -4 });
    const half = pair("a", { ref_chosen_logps: -3 });
    const fsdp = { loss: "dpo", parallelism: "fsdp" } as const;
    expect(await settingsOf({ loss: "dpo" }, known)).toEqual(["stored", true]);
    expect(await settingsOf({ loss: "dpo" }, half)).toEqual(["precomputed", true]);
    expect(await settingsOf({ loss: "slic" }, pair("a"))).toEqual(["none", true]);
    expect(await settingsOf(fsdp, known)).toEqual(["stored", true]);
    expect(await settingsOf(fsdp, pair("a"))).toEqual(["online", false]);
    await expect(settingsOf({ ...fsdp, labelSmoothing: 0.1 }, pair("a"))).rejects.toThrow(
      /under fsdp it needs ref_chosen_logps/,
    );
  });

  test("refuses a folder that is taken, and a checkpoint without a tokenizer", async () => {
    rmSync(join(folder, "base/tokenizer.json"));
    await expect(train({ dryRun: true }, [])).rejects.toMatchObject({
      code: "train/trl-tokenizer",
    });
    mkdirSync(join(folder, "models/new"), { recursive: true });
    await expect(train({ dryRun: true }, [])).rejects.toMatchObject({ code: "train/trl-exists" });
  });
});
