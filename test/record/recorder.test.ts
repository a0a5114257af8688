import { readFileSync, statSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exactBytes, type StreamName } from '../../src/record/index.js';
import { FakeClock } from '../helpers/fake-clock.js';
import { eventsOf, jsonLines, start } from './helpers.js';

type Chunk = [StreamName, Uint8Array];

/** Bytes as terminals send them, and bytes as nobody should; characters cut anywhere. */
const bytes = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 64 }),
  fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => Buffer.from(text)),
  fc.constantFrom('ż', '漢', '😀', '\u2028', '\ufeff', '"\\\u0000').chain((text) => {
    const whole = Buffer.from(text);
    return fc.integer({ min: 0, max: whole.length - 1 }).map((from) => whole.subarray(from));
  }),
  fc.constantFrom('ż', '漢', '😀').chain((text) => {
    const whole = Buffer.from(text);
    return fc.integer({ min: 1, max: whole.length }).map((to) => whole.subarray(0, to));
  }),
);
const chunks = fc.array(fc.tuple(fc.constantFrom<StreamName>('out', 'err'), bytes), { maxLength: 30 });

describe('recorder', () => {
  it('gives back every chunk of each stream byte for byte, with its boundaries', async () => {
    await fc.assert(fc.asyncProperty(chunks, roundTrip), { numRuns: 200 });
  });

  async function roundTrip(written: Chunk[]): Promise<void> {
    const { recorder, path } = start({ clock: new FakeClock() });
    for (const [stream, chunk] of written) expect(recorder.output(Buffer.from(chunk), stream)).toBe(true);
    await recorder.close({ cause: 'exit', status: 0 });
    const outputs = (await eventsOf(path)).filter((event) => event.kind === 'output');
    expect(outputs.map((event) => [event.stream, event.bytes.toString('hex')])).toEqual(
      written.map(([stream, chunk]) => [stream, Buffer.from(chunk).toString('hex')]),
    );
    expectAsciicast(path);
  }

  /** What Debian's asciinema relies on: a header object, then arrays of exactly three, text without lone surrogates. */
  function expectAsciicast(path: string): void {
    expect(readFileSync(path).every((byte) => byte >= 0x20 || byte === 0x0a)).toBe(true);
    const [first, ...events] = jsonLines(path);
    expect(first).toMatchObject({ version: 2, width: 80, height: 24, timestamp: 1767603600 });
    for (const event of events) {
      expect(event).toEqual([expect.any(Number), expect.stringMatching(/^[a-z]$/), expect.any(String)]);
      expect((event as string[])[2]).not.toMatch(/\p{Surrogate}/u);
    }
  }

  it('shows a character split between chunks once, with the chunk that completes it', async () => {
    const { recorder, path } = start();
    for (const byte of Buffer.from('a漢😀')) recorder.output(Buffer.from([byte]), 'out');
    await recorder.close({ cause: 'exit' });
    const texts = (await eventsOf(path)).filter((e) => e.kind === 'output').map((e) => e.text);
    expect(texts).toEqual(['a', '', '', '漢', '', '', '', '😀']);
  });

  it('does not mix half characters of one stream into the other', async () => {
    const { recorder, path } = start();
    const whole = Buffer.from('ż');
    recorder.output(whole.subarray(0, 1), 'out');
    recorder.output(whole, 'err');
    recorder.output(whole.subarray(1), 'out');
    await recorder.close({ cause: 'exit' });
    const texts = (await eventsOf(path)).filter((e) => e.kind === 'output').map((e) => e.text);
    expect(texts).toEqual(['', 'ż', 'ż']);
  });

  it('needs no bytes beside the text where the text says it all', async () => {
    const { recorder, path } = start();
    recorder.output(Buffer.from('zażółć \u001b[31mgęślą\u001b[0m "jaźń"\\\r\n\u0000\u007f'), 'out');
    await recorder.close({ cause: 'exit' });
    expect(jsonLines(path).map((line) => (line as string[])[1])).toEqual([undefined, 'o', 'd', 'm']);
  });

  it('stamps events with µs of the monotonic clock, and they never go back', async () => {
    const clock = new FakeClock();
    const { recorder, path } = start({ clock });
    clock.advance(1.0015);
    recorder.output(Buffer.from('a'), 'out');
    clock.jumpWall(-3_600_000);
    clock.advance(61_000);
    recorder.resize(120, 40);
    await recorder.close({ cause: 'idle', status: 254 });
    const lines = readFileSync(path, 'utf8').split('\n');
    expect(lines[1]).toBe('[0.001002,"o","a"]');
    expect(lines[2]).toBe('[61.001002,"r","120x40"]');
    expect(lines[4]).toBe('[61.001002,"m","end: idle (status 254)"]');
  });

  it('has a chunk in the file by the time it says so', async () => {
    const { recorder, path } = start();
    expect(recorder.output(Buffer.from('seen'), 'out')).toBe(true);
    expect(readFileSync(path, 'utf8')).toContain('"seen"');
    await recorder.close({ cause: 'exit' });
  });

  it('takes a chunk of any size, and its buffer may be used again at once', async () => {
    const { recorder, path } = start();
    const big = Buffer.alloc(3_000_001, 0xff);
    const written = recorder.output(big, 'out');
    big.fill(0);
    await written; // so much may take longer than a quick write
    await recorder.close({ cause: 'exit' });
    const parts: Buffer[] = [];
    for await (const part of exactBytes(path, 'out')) parts.push(part);
    expect(Buffer.concat(parts).equals(Buffer.alloc(3_000_001, 0xff))).toBe(true);
  });

  it('writes binary data once where no terminal shows it, and text always whole', async () => {
    const binary = Buffer.alloc(100_000, '\u0000\u0001é'.repeat(3), 'latin1');
    const text = Buffer.from('zażółć\0'.repeat(10_000)).subarray(0, -2);
    const { recorder, path } = start({ header: { pty: false } });
    for (const chunk of [binary, text]) await recorder.output(chunk, 'out');
    await recorder.close({ cause: 'exit' });
    const [first, second] = (await eventsOf(path)).filter((e) => e.kind === 'output');
    expect(first?.text).toHaveLength(1024);
    expect(second?.text).toHaveLength(69_999 - 1);
    expect(first?.bytes.equals(binary) && second?.bytes.equals(text)).toBe(true);
    expect(statSync(path).size).toBeLessThan(1.4 * 100_000 + 400_000);
  });

  it('takes nothing after close, which can be called twice', async () => {
    const { recorder, failures } = start();
    await Promise.all([recorder.close({ cause: 'exit' }), recorder.close({ cause: 'killed' })]);
    await expect(recorder.output(Buffer.from('late'), 'out')).rejects.toThrow('closed');
    await expect(recorder.marker('late')).rejects.toThrow('closed');
    expect(failures).toEqual([]);
  });

  it('leaves no timer behind', async () => {
    const clock = new FakeClock();
    const { recorder } = start({ clock });
    recorder.output(Buffer.from('x'), 'out');
    expect(clock.pending()).toBe(1); // the sync
    await recorder.close({ cause: 'exit' });
    expect(clock.pending()).toBe(0);
  });
});
