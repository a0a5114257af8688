import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { denialMarker, lineMarker } from '../../src/record/index.js';
import { start } from './helpers.js';

const run = promisify(execFile);

function has(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** What `asciinema VERB FILE` shows on a terminal of its own; rejects when it fails. */
async function asciinema(...args: string[]): Promise<string> {
  const command = `asciinema ${args.map((arg) => `'${arg}'`).join(' ')}`;
  const { stdout } = await run('script', ['-qec', command, '/dev/null'], {
    env: { ...process.env, HOME: '/tmp', LC_ALL: 'C.UTF-8', TERM: 'xterm' },
    timeout: 15_000,
  });
  return stdout;
}

describe.skipIf(!has('asciinema') || !has('script'))("Debian's asciinema", () => {
  it.each([['cat'], ['play']])('can %s a recording with every event we write, both streams shown', async (verb) => {
    const { recorder, path } = start({ header: { kind: 'exec', command: 'ls \ud800 "x"', title: 'alice@local' } });
    recorder.output(Buffer.from('to stdout ż\r\n'), 'out');
    recorder.output(Buffer.from('to stderr\r\n'), 'err');
    recorder.resize(120, 40);
    recorder.marker(lineMarker('echo "\u001b]52;c;eA==\u0007\ud800"'));
    recorder.marker(denialMarker({ command: 'rm -rf /', gate: 'line', why: 'rule', rule: 'no-wipe', n: 2 }));
    for (const byte of Buffer.from('漢')) recorder.output(Buffer.from([byte]), 'out');
    recorder.output(Buffer.from([0xff, 0x41, 0x00, 0x0d, 0x0a]), 'err');
    await recorder.close({ cause: 'exit', status: 0 });
    const shown = await asciinema(verb, path);
    expect(shown).toContain('to stdout ż\r\nto stderr\r\n漢\ufffdA');
  });
});
