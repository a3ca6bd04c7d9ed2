// `npm run fix`: what lint and formatter can mend by themselves.
import { execa } from "execa";

await execa({ stdio: "inherit", preferLocal: true, reject: false })`oxlint --fix`;
await execa({ stdio: "inherit", preferLocal: true })`oxfmt`;
