/** `q` in 0…1, nearest rank. NaN of nothing. */
export function quantile(values, q) {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))];
}

export const median = (values) => quantile(values, 0.5);
export const sum = (values) => values.reduce((a, b) => a + b, 0);

const digits = (value) => (Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3);
const number = (value) => (Number.isFinite(value) ? value.toFixed(digits(value)) : '–');

export const us = (ms) => `${number(ms * 1000)} µs`;
export const ms = (value) => `${number(value)} ms`;
export const seconds = (milliseconds) => `${number(milliseconds / 1000)} s`;
export const mb = (kib) => `${number(kib / 1024)} MB`;
export const ratio = (value, base) => (base > 0 ? `${(value / base).toFixed(2)}×` : '–');

/** Now, in ms, on the monotonic clock that all processes of the machine share. */
export const mono = () => Number(process.hrtime.bigint()) / 1e6;
export const sleep = (delay) => new Promise((resolve) => setTimeout(resolve, delay));

/** Calls `ask` until it gives a value that is not undefined. */
export async function until(ask, what, { timeout = 30_000, every = 10 } = {}) {
  const end = mono() + timeout;
  for (;;) {
    const value = await ask();
    if (value !== undefined) return value;
    if (mono() > end) throw new Error(`${what}: nothing in ${timeout} ms`);
    await sleep(every);
  }
}

/** Runs `job(item)` for each, `width` at a time, results in order. */
export async function pooled(items, width, job) {
  const results = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await job(items[at], at);
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
  return results;
}

/** Wall time less monotonic time, ms; taken as the wall clock turns a ms, because it tells no less. */
export function wallOffset() {
  const before = Date.now();
  let now = before;
  while (now === before) now = Date.now();
  return now - mono();
}
