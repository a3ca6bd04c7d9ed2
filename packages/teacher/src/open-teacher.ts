import { createRegistry, type Registry } from "./registry.ts";
import type { LanguageModel } from "./reply.ts";
import { type OpenTeacher, teacherOf, type TeacherOptions } from "./teacher.ts";

/** What `openTeacher` takes: a teacher's options, and where names are looked up. */
export interface OpenTeacherOptions extends TeacherOptions {
  /** Default: the built-in providers, keys from the environment. */
  readonly registry?: Registry | undefined;
}

/**
 * Opens the teacher of that name (`openai:gpt-4.1`, `compatible:http://localhost:8000/v1#model`, `lab:strong`, …), or one
 * around a model of the AI SDK. Provider packages are loaded here, when they are named.
 *
 * @throws PostgradError of the registry (`teacher/unknown-provider`, …), `schema/invalid` for a wrong setting.
 */
export async function openTeacher(
  model: string | LanguageModel,
  { registry = createRegistry(), ...options }: OpenTeacherOptions = {},
): Promise<OpenTeacher> {
  if (typeof model !== "string") return teacherOf(model, options);
  const named = await registry.resolve(model);
  const teacher = teacherOf(named.model, { ...options, id: options.id ?? named.id }, named);
  if (!teacher.price && named.isHosted)
    options.onEvent?.({
      type: "notice",
      model: teacher.id,
      message: `the price of ${teacher.id} is not known: tokens are counted, and a limit in money does not bind; give its price`,
    });
  return teacher;
}
