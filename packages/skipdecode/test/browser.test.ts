import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";

import Chromium from "@sparticuz/chromium";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";

import { generated, type Generated } from "./browser/generated.ts";

const scratch = mkdtempSync(join(tmpdir(), "skipdecode-browser-"));
const site = join(scratch, "site");
const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

// Cross-origin isolation is what gives a page threads.
const server = createServer((request, response) => {
  const path = request.url === "/" ? "/index.html" : (request.url ?? "").split("?")[0]!;
  try {
    const content = readFileSync(join(site, path));
    response.writeHead(200, {
      "content-type": types[extname(path)] ?? "application/octet-stream",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    response.end(content);
  } catch {
    response.writeHead(404).end();
  }
});

let browser: BrowserContext;

beforeAll(async () => {
  await build({
    root: join(import.meta.dirname, "browser"),
    configFile: false,
    logLevel: "error",
    build: { outDir: site, target: "es2024", minify: false, modulePreload: false },
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  browser = await chromium.launchPersistentContext(join(scratch, "profile"), {
    executablePath: await Chromium.executablePath(),
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--enable-unsafe-webgpu",
    ],
  });
}, 120_000);

afterAll(async () => {
  await browser?.close();
  server.close();
  rmSync(scratch, { recursive: true, force: true });
});

/** A page of its own: the threads of WebAssembly are settled by its first session. */
async function opened(): Promise<Page> {
  const page = await browser.newPage();
  page.on("pageerror", (error) => process.stderr.write(`[page] ${error.stack}\n`));
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page.waitForFunction("typeof globalThis.generated === 'function'");
  return page;
}

const inPage = (page: Page, ...args: Parameters<typeof generated>): Promise<Generated> =>
  page.evaluate(`globalThis.generated(...${JSON.stringify(args)})`);

test.each([1, 2])(
  "WebAssembly on %i threads gives the tokens of node",
  { timeout: 60_000 },
  async (threads) => {
    const page = await opened();
    expect(await page.evaluate("crossOriginIsolated")).toBe(true);
    const [here, there] = [await generated("cpu", 1, 16), await inPage(page, "cpu", threads, 16)];
    expect(page.workers()).toHaveLength(threads - 1);
    expect(there.runtime).toBe("onnxruntime-web wasm");
    expect({ ...there, runtime: "", sum: 0 }).toEqual({ ...here, runtime: "", sum: 0 });
    expect(there.sum).toBeCloseTo(here.sum, 4);
    expect(there.layers).toEqual(expect.arrayContaining([6, 5, 2]));
  },
);

test("WebGPU gives the tokens of node", { timeout: 60_000 }, async ({ skip }) => {
  const page = await opened();
  const adapter = await page.evaluate("navigator.gpu?.requestAdapter().then(Boolean)");
  skip(!adapter, "this browser finds no WebGPU adapter");
  const [here, there] = [await generated("cpu", 1, 6), await inPage(page, "webgpu", 1, 6)];
  expect(there.runtime).toBe("onnxruntime-web webgpu");
  expect([there.full, there.skipped]).toEqual([here.full, here.skipped]);
});
