import type { ChatTemplate } from "./chat/chat-template.ts";
import type { TokenBytes } from "./constraint/vocabulary.ts";
import type { GenerateEvent, GenerateRequest } from "./generate.ts";
import type { ScoredContinuation, ScoreOptions, ScoreRow } from "./score.ts";

/** Text to token ids and back, as the engine and its faces need it; `@postgrad/model` loads one from `tokenizer.json`. */
export interface TextCodec {
  /** Token ids of `text`; special tokens written in the text are recognised, none is added. */
  encode(text: string): number[];
  /** Text of `tokens`; special tokens are left out. */
  decode(tokens: readonly number[]): string;
  /** Special tokens that a plain text begins with; chat templates write their own. Default: none. */
  readonly begin?: readonly number[];
  /** The bytes of each token, for constrained output; absent where the tokenizer does not tell them. */
  tokenBytes?(): TokenBytes;
  /** The checkpoint's chat template; absent where it has none. */
  readonly chat?: ChatTemplate;
}

/** A decoder checkpoint that is open and ready: what the command line, the provider, the server and the browser drive. */
export interface Engine extends AsyncDisposable {
  /** Name for people: the folder's or the hub's. */
  readonly name: string;
  /** Layers of the network. */
  readonly layers: number;
  /** Token ids are 0 to `vocabulary - 1`. */
  readonly vocabulary: number;
  /** Weights of the LM head over those of a layer: what a token costs beside its layers, in layers. */
  readonly headCost: number;
  /** Most positions of a row, prompt included. */
  readonly contextLength: number;
  /** Token ids that end a row, from the generation configuration. */
  readonly endTokens: readonly number[];
  /** Absent for a folder without tokenizer; token ids work all the same. */
  readonly tokenizer?: TextCodec;

  /**
   * Generates for a batch of rows. Events come as they happen; stopping to read ends the generation. One generation or
   * scoring runs at a time: the next one waits.
   *
   * @throws PostgradError `skipdecode/request` with the row, the value and the remedy, before anything runs.
   */
  generate(request: GenerateRequest): AsyncGenerator<GenerateEvent, void, undefined>;

  /** Log-likelihood of continuations, in the order of the rows and of their continuations. */
  score(rows: readonly ScoreRow[], options?: ScoreOptions): Promise<ScoredContinuation[][]>;

  /**
   * Block influence of each layer on prompts: 1 - mean cosine of its input and output (ShortGPT, arXiv 2403.03853). A layer
   * of low influence changes little.
   */
  influence(prompts: readonly (readonly number[])[]): Promise<number[]>;

  /** Releases sessions, buffers and threads. What runs is aborted; a second call does nothing. */
  dispose(): Promise<void>;
}
