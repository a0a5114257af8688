import { execFileSync } from 'node:child_process';
import { createWriteStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/core/clock.js';
import { denialMarker, lineMarker, type ReplayOptions, replay } from '../../src/record/index.js';
import { FakeClock } from '../helpers/fake-clock.js';
import { start, tempDir } from './helpers.js';

interface Shown {
  out: Writable;
  text(): string;
}

function screen(): Shown {
  let text = '';
  const out = new Writable({
    highWaterMark: 8,
    write(chunk, _encoding, done) {
      text += chunk;
      setImmediate(done);
    },
  });
  return { out, text: () => text };
}

/** a, 10 s, b (a line typed), 100 s, c (a line refused). */
async function session(pty = true): Promise<string> {
  const clock = new FakeClock();
  const { recorder, path } = start({ clock, header: { pty } });
  recorder.output(Buffer.from('a\n'), 'out');
  clock.advance(10_000);
  recorder.marker(lineMarker('make test'));
  recorder.output(Buffer.from('b\n'), 'err');
  clock.advance(100_000);
  recorder.marker(denialMarker({ command: 'rm -rf /', gate: 'line', why: 'rule', rule: 'no-wipe' }));
  recorder.output(Buffer.from('c\u001b[6n\u001b]52;c;eA==\u0007\n'), 'out');
  await recorder.close({ cause: 'exit' });
  return path;
}

/** Plays with a clock of its own and says what was shown after each of the given moments. */
async function playing(options: Partial<ReplayOptions> & { path: string }, moments: number[]): Promise<string[]> {
  const clock = new FakeClock();
  const { out, text } = screen();
  let over = false;
  const done = replay({ out, clock, ...options }).finally(() => {
    over = true;
  });
  done.catch(() => {});
  const settled = async () => {
    while (!over && clock.pending() === 0) await wait(1); // it plays on: reading or drawing
  };
  const seen: string[] = [];
  let at = 0;
  for (const moment of moments) {
    await settled();
    clock.advance(moment - at);
    at = moment;
    await settled();
    seen.push(text().replace(/\u001b\[[^A-Za-z]*[A-Za-z]|\u001b[()].|[\u000f\r\n]/g, ''));
  }
  await done;
  return seen;
}

describe('replay', () => {
  it('keeps the recorded time', async () => {
    expect(await playing({ path: await session() }, [0, 9_999, 10_000, 109_999, 110_000])).toEqual([
      'a',
      'a',
      'ab',
      'ab',
      'abc',
    ]);
  });

  it('plays faster, and cuts pauses', async () => {
    const path = await session();
    expect(await playing({ path, speed: 10 }, [999, 1_000, 10_999, 11_000])).toEqual(['a', 'ab', 'ab', 'abc']);
    expect(await playing({ path, idleLimitMs: 2_000 }, [1_999, 2_000, 3_999, 4_000])).toEqual(['a', 'ab', 'ab', 'abc']);
    await expect(playing({ path, speed: 0 }, [])).rejects.toThrow(/speed/);
  });

  it('starts at a moment or a command, with what came before drawn at once', async () => {
    const path = await session();
    expect(await playing({ path, at: 60_000 }, [0, 49_999, 50_000])).toEqual(['ab', 'ab', 'abc']);
    expect(await playing({ path, at: 'make' }, [0, 100_000])).toEqual(['ab', 'abc']);
    expect(await playing({ path, at: 'rm -rf' }, [0])).toEqual(['abc']);
    await expect(playing({ path, at: 'reboot\u001b' }, [])).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining("contains 'reboot\\e'"),
    });
  });

  it('shows markers when asked to', async () => {
    const [shown] = await playing({ path: await session(), at: 10_000, markers: true, speed: 1e9 }, [10]);
    expect(shown).toBe('a line: make test b denied: rm -rf / (no-wipe) c end: exit ');
  });

  it('ends lines for a terminal where the session had none', async () => {
    const { out, text } = screen();
    await replay({ path: await session(false), out, clock: systemClock(), at: 1e9 });
    expect(text()).toMatch(/^a\r\nb\r\nc\r\n/);
  });

  it('stops at once when told, in a pause too, and puts the terminal right', async () => {
    const { recorder, path } = start();
    recorder.output(Buffer.from('\u001b[?1049h\u001b[?25lvim'), 'out');
    await recorder.close({ cause: 'exit' });
    writeFileSync(path, `${readFileSync(path, 'utf8')}[9999.0,"o","late"]\n`);
    const { out, text } = screen();
    const stop = new AbortController();
    const done = replay({ path, out, clock: systemClock(), signal: stop.signal });
    await wait(50);
    stop.abort();
    await done;
    await wait(20);
    expect(text()).toMatch(/vim\u001b\[\?1049l.*\u001b\[\?25h\r\n$/s);
  });

  it('stops when nobody looks any more', async () => {
    const out = new Writable({ write: (_chunk, _encoding, done) => done() });
    out.destroy();
    await replay({ path: await session(), out, clock: systemClock(), at: 1e9 });
  });

  it('plays what comes before damage, then says where it is', async () => {
    const path = await session();
    writeFileSync(path, `${readFileSync(path, 'utf8')}garbage\n[120.0,"o","x"]\n`);
    const { out, text } = screen();
    await expect(replay({ path, out, clock: systemClock(), at: 1e9 })).rejects.toThrow(/damaged: line \d+/);
    expect(text()).toContain('c');
  });
});

const tmux = existsSync('/usr/bin/tmux');

describe.skipIf(!tmux)('a real terminal that shows a hostile recording', () => {
  const HOSTILE =
    '\u001b[c\u001b[>c\u001b[5n\u001b[6n\u001b]10;?\u0007\u001b]11;?\u001b\\\u001bP+q544e\u001b\\\u001b[18t\u001b[>q\u0005';

  /** What tmux types back when `path` is shown in a pane. */
  async function answersTo(path: string): Promise<string> {
    const dir = tempDir();
    const socket = join(dir, 'tmux');
    onTestFinished(() => {
      try {
        execFileSync('tmux', ['-S', socket, 'kill-server'], { stdio: 'ignore' });
      } catch {}
    });
    const answers = join(dir, 'answers');
    const script = `stty raw -echo; cat '${path}'; timeout --foreground 1 cat > '${answers}'; touch '${dir}/done'`;
    execFileSync('tmux', ['-f', '/dev/null', '-S', socket, 'new-session', '-d', 'sh', '-c', script]);
    for (let i = 0; i < 200 && !existsSync(join(dir, 'done')); i++) await wait(50);
    return readFileSync(answers, 'latin1');
  }

  it('types nothing, though it answers the same bytes unfiltered', async () => {
    const { recorder, path } = start();
    for (const byte of Buffer.from(HOSTILE)) recorder.output(Buffer.from([byte]), 'out');
    await recorder.close({ cause: 'exit' });
    const raw = join(tempDir(), 'raw');
    writeFileSync(raw, HOSTILE);
    const safe = join(tempDir(), 'safe');
    const out = createWriteStream(safe);
    await replay({ path, out, clock: systemClock(), at: 1e9 });
    out.end();
    await finished(out);
    expect(await answersTo(raw)).toContain('\u001b[');
    expect(await answersTo(safe)).toBe('');
  });
});
