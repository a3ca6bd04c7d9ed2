export { type Command, type Context, defineCommand } from "./command.ts";
export { commands } from "./commands.ts";
export { main, type Process } from "./main.ts";
export { type Output, processOutput } from "./output.ts";
