export { type Script, type ScriptContext, scripted } from "./scripted.ts";
