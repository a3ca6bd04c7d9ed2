// `npm run new-package -- NAME FLOOR "DESCRIPTION"`: a package that passes everything at once. FLOOR is a package whose
// floor it joins (e.g. "synthesis"); a package imports only from floors below its own.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { execa } from "execa";

const root = fileURLToPath(new URL("..", import.meta.url));
const [name, neighbour, description] = process.argv.slice(2);
if (!name || !neighbour || !description)
  fail('use: npm run new-package -- NAME NEIGHBOUR "What it gives, in one sentence."');
if (!/^[a-z][a-z0-9-]*$/.test(name))
  fail(`"${name}" is no package name: lower-case letters, digits and hyphens`);
const folder = `${root}packages/${name}`;
if (existsSync(folder)) fail(`packages/${name} exists already`);

// 1. its floor
const floorsFile = `${root}test/floors.test.ts`;
const floors = readFileSync(floorsFile, "utf8");
if (!floors.includes(`"${neighbour}"`))
  fail(`no floor has "${neighbour}"; see the list in test/floors.test.ts`);
if (!floors.includes(`"${name}"`))
  writeFileSync(floorsFile, floors.replace(`"${neighbour}"`, `"${neighbour}", "${name}"`));

// 2. the folder
const schema = JSON.parse(readFileSync(`${root}packages/schema/package.json`, "utf8")) as Record<
  string,
  unknown
>;
const manifest = {
  ...schema,
  name: `@postgrad/${name}`,
  description,
  files: ["dist", "src"],
  exports: { ".": "./src/index.ts" },
  publishConfig: {
    access: "public",
    exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } },
  },
  dependencies: { "@postgrad/schema": "workspace:^" },
  devDependencies: { vitest: "catalog:" },
};
const camel = name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
const files: Record<string, string> = {
  "package.json": `${JSON.stringify(manifest, null, 2)}\n`,
  "tsconfig.build.json": '{ "extends": "../../tsconfig.build.json" }\n',
  "README.md": `# @postgrad/${name}\n\n${description}\n`,
  "src/index.ts": `export { ${camel} } from "./${name}.ts";\n`,
  [`src/${name}.ts`]: `/** ${description} */\nexport function ${camel}<Row>(rows: AsyncIterable<Row>): AsyncIterable<Row> {\n  return rows;\n}\n`,
  [`test/${name}.test.ts`]: `import { expect, test } from "vitest";\n\nimport { ${camel} } from "../src/index.ts";\n\nasync function* numbers(): AsyncGenerator<number> {\n  yield 1;\n  yield 2;\n}\n\ntest("rows come out as they went in", async () => {\n  expect(await Array.fromAsync(${camel}(numbers()))).toEqual([1, 2]);\n});\n`,
};
for (const [file, text] of Object.entries(files)) {
  mkdirSync(`${folder}/${file}`.replace(/\/[^/]*$/, ""), { recursive: true });
  writeFileSync(`${folder}/${file}`, text);
}

// 3. the workspace knows it, and so do the tests that cross packages
const testFile = `${root}test/package.json`;
const tests = JSON.parse(readFileSync(testFile, "utf8")) as {
  devDependencies: Record<string, string>;
};
tests.devDependencies[`@postgrad/${name}`] = "workspace:^";
writeFileSync(testFile, `${JSON.stringify(tests, null, 2)}\n`);
const here = { cwd: root, preferLocal: true, stdio: "inherit" } as const;
await execa(here)`pnpm install --no-frozen-lockfile`;
await execa(here)`oxfmt packages/${name} test`;
console.log(`packages/${name} is there: write src/${name}.ts, its test, and a line in docs/`);

function fail(message: string): never {
  console.error(`new-package: ${message}`);
  process.exit(2);
}
