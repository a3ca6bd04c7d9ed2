// The page of the browser test: what it does is called from outside.
import { generated } from "./generated.ts";

Object.assign(globalThis, { generated });
