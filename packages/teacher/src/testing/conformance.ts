import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4StreamPart,
} from "@ai-sdk/provider";

/**
 * What every language model of ours promises. The test of each implementation awaits this once, at its top level: it
 * registers vitest tests. `create` gives a fresh model, `call` is one that it can answer.
 */
export async function languageModelConformance(
  create: () => LanguageModelV4,
  call: LanguageModelV4CallOptions,
): Promise<void> {
  const { describe, expect, test } = await import("vitest"); // here, so that scripted models need no vitest
  describe("as a language model", () => {
    test("says who it is", () => {
      const { specificationVersion, provider, modelId } = create();
      expect(specificationVersion).toBe("v4");
      expect(provider).not.toBe("");
      expect(modelId).not.toBe("");
    });

    test("leaves the call as it was", async () => {
      const before = structuredClone(call);
      await create().doGenerate(call);
      expect(call).toEqual(before);
    });

    test("answers with text, a reason for the end, and tokens that are counted", async () => {
      const { content, finishReason, usage, warnings } = await create().doGenerate(call);
      expect(content.some(({ type }) => type === "text")).toBe(true);
      expect(["stop", "length"]).toContain(finishReason.unified);
      for (const total of [usage.inputTokens.total, usage.outputTokens.total]) {
        expect(Number.isInteger(total)).toBe(true);
        expect(total).toBeGreaterThanOrEqual(0);
      }
      expect(Array.isArray(warnings)).toBe(true);
    });

    test("answers the same call with the same text", async () => {
      const seeded = { ...call, seed: 1 };
      const one = await create().doGenerate(seeded);
      const model = create();
      await model.doGenerate({ ...call, seed: 2 });
      const two = await model.doGenerate(seeded);
      expect(textOf(two)).toBe(textOf(one));
    });

    test("streams what it generates, in parts that begin and end", async () => {
      const seeded = { ...call, seed: 1 };
      const { stream } = await create().doStream(seeded);
      const parts: LanguageModelV4StreamPart[] = [];
      for await (const part of stream) parts.push(part);
      const texts = parts.filter((part) => part.type === "text-delta").map(({ delta }) => delta);
      expect(texts.join("")).toBe(textOf(await create().doGenerate(seeded)));
      expect(parts[0]!.type).toBe("stream-start");
      expect(parts.at(-1)!.type).toBe("finish");
      const types = parts.map(({ type }) => type);
      expect(types.filter((type) => type === "text-start")).toHaveLength(
        types.filter((type) => type === "text-end").length,
      );
    });

    test("does not begin when it is told to stop", async () => {
      const abortSignal = AbortSignal.abort(new Error("told to stop"));
      await expect((async () => create().doGenerate({ ...call, abortSignal }))()).rejects.toThrow(
        "told to stop",
      );
    });
  });
}

function textOf({ content }: Awaited<ReturnType<LanguageModelV4["doGenerate"]>>): string {
  return content.map((part) => (part.type === "text" ? part.text : "")).join("");
}
