import { setFlagsFromString } from 'node:v8';

/**
 * For a process that does the same few things thousands of times: its functions are compiled for speed after this much
 * running (V8's default is 66 to 132 KiB of bytecode each), which thousands of fork+execs would not reach. Bytes.
 */
const INTERRUPT_BUDGET = 2_000;

export function compileEarly(): void {
  setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET}`);
}
