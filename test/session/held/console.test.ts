import { describe, expect, it } from 'vitest';
import { createConsole } from '../../../src/session/held/console.js';
import { FakeClock } from '../../helpers/fake-clock.js';

const turns = async () => {
  for (let i = 0; i < 20; i += 1) await Promise.resolve();
};

/** A console whose client says that a question has reached it when a test wants it to. */
function scene() {
  const clock = new FakeClock();
  let screen = '';
  let delivered = '';
  let reach = () => {};
  const console = createConsole({
    clock,
    open: (text) => {
      screen += text;
    },
    pose(text, reached) {
      screen += text;
      reach = reached;
    },
    send: (text) => {
      screen += text;
    },
    deliver: (bytes) => {
      delivered += bytes.toString('latin1');
    },
  });
  console.begin();
  return {
    ...{ clock, console },
    /** Asks, and does not wait for the answer. */
    async asked(question?: string) {
      const heard = console.ask(question ?? 'code: ', true);
      await clock.advanceAsync(50);
      await turns();
      return { heard };
    },
    async reached() {
      reach();
      await turns();
    },
    type: (text: string) => console.take(Buffer.from(text)),
    screen: () => screen,
    delivered: () => delivered,
  };
}

describe('a question', () => {
  it('takes the keys while it is open, and gives them back afterwards', async () => {
    const s = scene();
    const { heard } = await s.asked();
    await s.reached();
    expect(s.type('123456\rls\r')).toBe(true);
    expect(await heard).toEqual({ typed: '123456' });
    expect(s.screen()).toBe('code: ******\r\n');
    expect(s.delivered()).toBe('');
    s.type('pwd\r');
    s.console.finish();
    expect(s.delivered()).toBe('ls\rpwd\r');
    expect(s.type('x')).toBe(false);
  });

  it('does not take for an answer what was typed before it was on the screen', async () => {
    const s = scene();
    const heard = s.console.ask('code: ', true);
    s.type('ls\r');
    await s.clock.advanceAsync(50);
    await turns();
    s.type('12');
    await s.reached();
    s.type('345678\r');
    expect(await heard).toEqual({ typed: '345678' });
    s.console.finish();
    expect(s.delivered()).toBe('ls\r12');
  });

  it('is taken to be on the screen after a while where the client says nothing', async () => {
    const s = scene();
    const { heard } = await s.asked();
    s.type('1');
    await s.clock.advanceAsync(2_000);
    await turns();
    s.type('2\r');
    expect(await heard).toEqual({ typed: '2' });
    s.console.finish();
    expect(s.delivered()).toBe('1');
  });

  it('is withdrawn by a Ctrl-C that came before it, which drops what was typed ahead', async () => {
    const s = scene();
    const { heard } = await s.asked();
    s.type('rm x\r\x03ls');
    expect(await heard).toBe('withdrawn');
    s.console.finish();
    expect(s.delivered()).toBe('ls');
  });

  it('is withdrawn by a Ctrl-C while the answer is looked at', async () => {
    const s = scene();
    const { heard } = await s.asked();
    await s.reached();
    s.type('123456\r');
    await heard;
    s.type('\x03');
    expect(s.console.withdrawn).toBe(true);
    expect(await s.console.ask('again: ', true)).toBe('withdrawn');
    expect(s.screen()).not.toContain('again');
  });

  it('is shown again, with what was typed, below what programs wrote over it', async () => {
    const s = scene();
    await s.asked();
    await s.reached();
    s.type('12');
    s.console.disturbed();
    await s.clock.advanceAsync(100);
    s.console.disturbed();
    expect(s.screen()).toBe('code: **');
    await s.clock.advanceAsync(250);
    expect(s.screen()).toBe('code: **code: **');
  });

  it('ends with what it was about', async () => {
    const s = scene();
    const { heard } = await s.asked();
    await s.reached();
    s.type('12');
    s.console.interrupt();
    expect(await heard).toBe('interrupted');
    s.console.finish();
    expect(s.delivered()).toBe('');
  });

  it('ends where more is typed ahead than is kept, and nothing of it is lost', async () => {
    const s = scene();
    const { heard } = await s.asked();
    const much = 'x'.repeat(300_000);
    s.type(much);
    expect(await heard).toBe('withdrawn');
    s.console.finish();
    expect(s.delivered()).toBe(much);
  });

  it('gets the end of what the terminal began to say before it', async () => {
    const s = scene();
    const { heard } = await s.asked();
    s.type('a\x1b[12;');
    await s.reached();
    s.type('5R777777\r');
    expect(await heard).toEqual({ typed: '777777' });
    s.console.finish();
    expect(s.delivered()).toBe('a\x1b[12;5R');
  });
});
