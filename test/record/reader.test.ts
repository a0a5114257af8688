import { appendFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { castToText, lineMarker, readCast, readEnd } from '../../src/record/index.js';
import { eventsOf, header, start, tempDir } from './helpers.js';

const FOREIGN = '{"version": 2, "width": 80, "height": 24, "timestamp": 1504467315, "env": {"TERM": "xterm"}}\n';

function file(content: string): string {
  const path = join(tempDir(), 'x.cast');
  writeFileSync(path, content);
  return path;
}

describe('reading a recording', () => {
  it('gives back the header as it was given', async () => {
    const given = header({ kind: 'exec', pty: false, command: 'ls "a b"', title: 'x' });
    const { recorder, path } = start({ header: given });
    await recorder.close({ cause: 'exit' });
    const cast = await readCast(path);
    await cast.close();
    expect(cast.header).toEqual(given);
  });

  it("reads other programs' recordings, from a stream too", async () => {
    const text = `${FOREIGN}[0.5, "o", "hello"]\n[1, "i", "x"]\n[1.5, "r", "wide"]`;
    const cast = await readCast(Readable.from([Buffer.from(text.slice(0, 50)), Buffer.from(text.slice(50))]));
    expect(cast.header).toMatchObject({ width: 80, startedAt: 1504467315000, user: '', term: 'xterm' });
    const events = [];
    for await (const event of cast.events) events.push(event);
    expect(events).toEqual([
      { kind: 'output', at: 500, stream: 'out', text: 'hello', bytes: Buffer.from('hello') },
      { kind: 'other', at: 1000, code: 'i' },
      { kind: 'other', at: 1500, code: 'r' },
    ]);
  });

  it('says where a line is damaged, and forgives only the last', async () => {
    const good = '[1,"o","a"]\n';
    expect(await eventsOf(file(`${FOREIGN}${good}[2,"o","to`))).toHaveLength(1);
    expect(await eventsOf(file(`${FOREIGN}${good}\0\0\0\0`))).toHaveLength(1);
    await expect(eventsOf(file(`${FOREIGN}${good}[2,"o\n${good}`))).rejects.toThrow(
      /is damaged: line 3 is not an event/,
    );
    await expect(eventsOf(file(`${FOREIGN}${'x'.repeat(17 << 20)}`))).rejects.toThrow(/damaged: line 2 is longer/);
  });

  it.each([
    ['an empty file', ''],
    ['text', 'hello\n'],
    ['another version', '{"version":3,"term":{"cols":80,"rows":24}}\n'],
    ['no sizes', '{"version":2}\n'],
  ])('refuses %s by name', async (_name, content) => {
    await expect(readCast(file(content))).rejects.toThrow(/x\.cast is not an asciicast v2 recording/);
  });

  it('refuses what is not a plain file', async () => {
    const link = join(tempDir(), 'link.cast');
    symlinkSync(file(FOREIGN), link);
    await expect(readCast(link)).rejects.toThrow(/cannot read the recording/);
    await expect(readCast(tempDir())).rejects.toThrow(/not a regular file/);
    await expect(readCast('/nonexistent.cast')).rejects.toMatchObject({ code: 'not-found' });
  });

  it('finds how it ended without reading it all', async () => {
    const { recorder, path } = start();
    recorder.output(Buffer.alloc(200_000, 1), 'out');
    expect(await readEnd(path)).not.toHaveProperty('cause');
    await recorder.close({ cause: 'deadline', status: 254 });
    expect(await readEnd(path)).toMatchObject({ cause: 'deadline', status: 254 });
    appendFileSync(path, '[9');
    expect(await readEnd(path)).toMatchObject({ cause: 'deadline' });
    expect(await readEnd(file(FOREIGN))).toBeUndefined();
  });

  it('can be read while it is written', async () => {
    const { recorder, path } = start();
    recorder.output(Buffer.from('now'), 'out');
    expect(await eventsOf(path)).toHaveLength(1);
    await recorder.close({ cause: 'exit' });
  });

  it('becomes text without escape sequences', async () => {
    const { recorder, path } = start();
    recorder.output(Buffer.from('\u001b[31mred\u001b[0m\r\n\u001b]0;title\u0007'), 'out');
    recorder.marker(lineMarker('ls'));
    recorder.output(Buffer.from('err\n'), 'err');
    await recorder.close({ cause: 'exit' });
    expect(await castToText(path)).toBe('red\nerr\n');
  });
});
