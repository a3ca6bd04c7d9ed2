import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import fc from "fast-check";
import { expect, test } from "vitest";

import { files } from "../src/files/disk.node.ts";
import { type TensorToWrite, writeSafetensors } from "../src/index.ts";
import { readSafetensorsHeader } from "../src/safetensors/header.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const tensor = (
  name: string,
  shape: readonly number[],
  data: TensorToWrite["data"],
): TensorToWrite => ({ name, dtype: "U8", shape, data });

test("what is written is read, whatever the names, shapes and pieces", async () => {
  const folder = await temporaryFolder();
  const tensors = fc.dictionary(
    fc.string({ minLength: 1, unit: "grapheme" }).filter((name) => name !== "__metadata__"),
    fc.record({ shape: fc.array(fc.nat(4), { maxLength: 3 }), cut: fc.nat(9) }),
    { maxKeys: 5 },
  );
  await fc.assert(
    fc.asyncProperty(tensors, async (wanted) => {
      const contents = new Map(
        Object.entries(wanted).map(([name, { shape }]) => [
          name,
          Uint8Array.from(
            { length: shape.reduce((a, b) => a * b, 1) },
            (_, index) => index + name.length,
          ),
        ]),
      );
      const given = Object.entries(wanted).map(([name, { shape, cut }]) =>
        tensor(name, shape, async function* () {
          yield contents.get(name)!.subarray(0, cut);
          yield contents.get(name)!.subarray(cut);
        }),
      );
      await writeSafetensors(join(folder, "x.safetensors"), given);
      await using file = (await files.open(folder, "x.safetensors"))!;
      const entries = await readSafetensorsHeader(file);
      expect([...entries.keys()]).toEqual(given.map(({ name }) => name));
      for (const [name, { shape, offset, length }] of entries) {
        expect(shape).toEqual(wanted[name]!.shape);
        expect(await file.read(offset, length)).toEqual(contents.get(name));
      }
    }),
    { numRuns: 50 },
  );
});

test("the data begins at a multiple of 8 bytes", async () => {
  const folder = await temporaryFolder();
  await writeSafetensors(join(folder, "x"), [tensor("abc", [1], () => Uint8Array.of(7))]);
  const bytes = await readFile(join(folder, "x"));
  expect((bytes.length - 1) % 8).toBe(0);
  expect(JSON.parse(bytes.subarray(8, -1).toString())).toEqual({
    __metadata__: { format: "pt" },
    abc: { dtype: "U8", shape: [1], data_offsets: [0, 1] },
  });
});

test("a tensor that does not fit leaves the old file and nothing else", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "x.safetensors");
  await writeFile(path, "old");
  await expect(writeSafetensors(path, [tensor("a", [3], () => new Uint8Array(2))])).rejects.toThrow(
    '"a" takes 3 bytes, 2 were given',
  );
  const twice = tensor("a", [1], () => new Uint8Array(1));
  await expect(writeSafetensors(path, [twice, twice])).rejects.toThrow(
    'two tensors are called "a"',
  );
  await expect(writeSafetensors(path, [{ ...twice, dtype: "F31" }])).rejects.toThrow(
    '"F31" is no element type',
  );
  const broken = tensor("a", [1], () => Promise.reject(new Error("disk full")));
  await expect(writeSafetensors(path, [broken])).rejects.toThrow(
    "cannot be written: Error: disk full",
  );
  expect(await readFile(path, "utf8")).toBe("old");
  expect(await readdir(folder)).toEqual(["x.safetensors"]);
});

test("a process that is killed while it writes leaves the old file", async () => {
  const folder = await temporaryFolder();
  const path = join(folder, "x.safetensors");
  await writeFile(path, "old");
  const program = `
    import { writeSafetensors } from ${JSON.stringify(new URL("../src/index.ts", import.meta.url).href)};
    const data = async function* () {
      yield new Uint8Array(1000);
      console.log("writing");
      await new Promise((resolve) => setTimeout(resolve, 60000));
    };
    await writeSafetensors(${JSON.stringify(path)}, [{ name: "a", dtype: "U8", shape: [2000], data }]);`;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "-e", program]);
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(await readFile(path, "utf8")).toBe("old");
  expect(await readdir(folder)).toHaveLength(2);
});
