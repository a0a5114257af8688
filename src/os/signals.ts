import { constants } from 'node:os';

const NAMES = new Map<number, string>();
for (const [name, number] of Object.entries(constants.signals)) if (!NAMES.has(number)) NAMES.set(number, name);

/** `SIGKILL` for 9; `SIG40` for one without a name. */
export const signalName = (number: number): string => NAMES.get(number) ?? `SIG${number}`;
