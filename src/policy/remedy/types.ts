/** What a person can bring that turns a refusal into an allow: a fresh second factor, another person's approval. */
export type Remedy = 'mfa' | 'approval';

/** What else would turn a refusal, by a session's own rules. Rule ids and conditions are raw text of the policy. */
export type Way =
  /** An allow row waits for an hour or a day: it holds from then on. Wall time, ms, and IANA zone. */
  | { by: 'hour'; rule: string; from: number; now: number; timezone: string }
  /** An allow row lacks these parts of its condition. */
  | { by: 'facts'; rule: string; lacks: readonly string[] }
  /** A deny row would let go without its condition. */
  | { by: 'lapse'; rule: string; condition: string };
