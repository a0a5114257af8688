/** What admin operations need of commands that wait for another's yes. The keeper has them in memory; with no broker nothing waits. */
export type ReviewState = 'waiting' | 'approved' | 'refused' | 'expired' | 'withdrawn';

/** One command somebody asked others about. Times are wall time, ms. */
export interface Review {
  readonly id: string;
  readonly user: string;
  readonly session: string;
  readonly target: string;
  readonly gate: 'line' | 'exec';
  /** Escaped. */
  readonly text: string;
  /** SHA-256 of the exact words, where `text` was cut. */
  readonly digest?: string;
  /** The rule that refused it. */
  readonly rule?: string;
  /** Why it is wanted; escaped. */
  readonly reason?: string;
  readonly at: number;
  readonly expiresAt: number;
  readonly state: ReviewState;
  /** Who approved or refused. */
  readonly by?: string;
  /** Why it was refused, or what ended it. */
  readonly why?: string;
  readonly endedAt?: number;
}

export interface Reviews {
  /** Oldest first; `all`: those lately decided, too. */
  list(all: boolean): Review[];
  /** Keeps others from answering it until it is answered or given back. Throws `refused` when it cannot be answered any more. */
  take(id: string, by: string): Taken;
}

export interface Taken {
  readonly review: Review;
  /** Rejects with `refused`, and why, when an approval of this person would not count now. */
  look(): Promise<void>;
  /** Lets the command go. Rejects as `look`, when something else ended it first, and with what `still` throws in that tick. */
  approve(still: () => void): Promise<void>;
  refuse(why: string): Promise<void>;
  giveBack(): void;
}
