/** What a teacher tells while it works, one event at a time. */
export type TeacherEvent =
  | {
      readonly type: "answered";
      readonly agent: string;
      readonly model: string;
      /** Found in the ledger, and therefore free; tokens and cost are 0 then. */
      readonly cached: boolean;
      readonly attempts: number;
      readonly inputTokens: number;
      readonly outputTokens: number;
      /** US dollars. */
      readonly cost: number;
    }
  | {
      readonly type: "failed";
      readonly agent: string;
      readonly model: string;
      readonly code: string;
      readonly reason: string;
      readonly inputTokens: number;
      readonly outputTokens: number;
      readonly cost: number;
    }
  | {
      readonly type: "retry";
      readonly agent: string;
      readonly model: string;
      readonly reason: string;
      readonly waitMs: number;
    }
  | { readonly type: "notice"; readonly model: string; readonly message: string };
