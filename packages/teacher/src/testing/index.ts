export { type BatchDesk, type ServedBatch } from "./batch-desk.ts";
export { languageModelConformance } from "./conformance.ts";
export {
  type ChatRequest,
  type Fault,
  type FaultScript,
  type FaultyServer,
  faultyServer,
  type FaultyServerOptions,
  type ServedCall,
} from "./faulty-server.ts";
export { type Script, type ScriptContext, scripted } from "./scripted.ts";
