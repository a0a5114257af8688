import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { own } from './attack-table.js';
import { PROMPT, shellHomeOf, startBroker, type TestBroker } from './broker.js';
import { openScreen, type Screen } from './screen.js';

/** What is typed or pasted, what must stand on the screen before the next. */
export type Step = readonly [keys: string | { paste: string }, shows: string | RegExp];
/** A piece of work: its name, the files it starts with, its steps at a fresh prompt, and the status it leaves with. */
export interface Work {
  name: string;
  files?: Record<string, string>;
  steps: readonly Step[];
  /** Of the shell that ran it, with `exit` at its end. 0 unless given. */
  status?: number;
}

export interface Workplace {
  broker: TestBroker;
}

/** A broker under the shipped policy, both gates on. */
export function workplace(prepare: (home: string) => void = () => {}): Workplace {
  const place = {} as Workplace;
  beforeAll(async () => {
    place.broker = await startBroker();
    prepare(shellHomeOf(place.broker.home));
  });
  afterAll(() => place.broker?.stop());
  return place;
}

/** Lays a file of the account's below a directory of the account's. */
export function lay(root: string, path: string, text: string): void {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  own(dirname(file));
  writeFileSync(file, text, { mode: text.startsWith('#!') ? 0o755 : 0o644 });
  own(file);
}

/** Each piece of work as a test: done in a session of its own, on a real screen, without one word of ours. */
export function works(place: Workplace, all: readonly Work[]): void {
  it.concurrent.each(all)('$name', async ({ name, files = {}, steps, status = 0 }) => {
    const dir = name.replace(/\W+/g, '-');
    const root = join(shellHomeOf(place.broker.home), dir);
    rmSync(root, { recursive: true, force: true });
    own(root);
    for (const [path, text] of Object.entries(files)) lay(root, path, text);
    const screen = openScreen('ssh', place.broker.sshArgs('-tt'));
    try {
      await screen.shows(PROMPT.trim());
      await screen.type(`cd ${dir}; clear\r`);
      await screen.shows(/^ready\$$/);
      await screen.forget();
      const seen: string[] = [];
      for (const [keys, shows] of steps) {
        await (typeof keys === 'string' ? screen.type(keys) : screen.paste(keys.paste));
        seen.push(await screen.shows(shows));
      }
      await leave(screen, status);
      expect(`${seen.join('\n')}\n${await screen.all()}`).not.toMatch(/sallyport/);
    } finally {
      screen.close();
    }
  });
}

/** Types `exit` at the prompt; the client must end with `status`. */
async function leave(screen: Screen, status: number): Promise<void> {
  await screen.type('exit\r');
  await screen.shows(new RegExp(`^ended with ${status}$`, 'm'));
}
