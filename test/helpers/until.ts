import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for what is to become true; what comes late on a busy machine says so. Unit: ms. */
export async function waitUntil(holds: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  const until = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > until) throw new Error(`late: not true within ${timeoutMs} ms: ${holds.toString().slice(0, 200)}`);
    await sleep(30);
  }
}

/** Fails as what came late, where it took longer than it may. Unit: ms. */
export function notLater(tookMs: number, limitMs: number): void {
  if (tookMs >= limitMs) throw new Error(`late: it took ${Math.round(tookMs)} ms, which is not under ${limitMs}`);
}
