/** What the guard's two threads share: the number of the work begun, 0 for none; whom to kill; whether that was done. */
export const Cell = { work: 0, pid: 1, ended: 2, sleep: 3 } as const;
export const CELLS = 4;
