import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createLink } from '../../src/wire/frames.js';

const schema = z.object({ n: z.number(), text: z.string() });
let count = 0;

async function pair(): Promise<[Socket, Socket]> {
  count += 1;
  const path = join(tmpdir(), `sallyport-frames-${process.pid}-${count}`);
  const server = createServer();
  await new Promise<void>((ok) => server.listen(path, ok));
  const accepted = new Promise<Socket>((ok) => server.once('connection', ok));
  const client = connect(path);
  const other = await accepted;
  server.close();
  return [client, other];
}

const frame = (text: string) => {
  const bytes = Buffer.alloc(4 + Buffer.byteLength(text));
  bytes.writeUInt32BE(Buffer.byteLength(text));
  bytes.write(text, 4);
  return bytes;
};

function listen(socket: Socket) {
  const got: z.infer<typeof schema>[] = [];
  let closed: (reason: string | undefined) => void = () => {};
  const end = new Promise<string | undefined>((ok) => {
    closed = ok;
  });
  const link = createLink(socket, {
    incoming: schema,
    outgoing: schema,
    onMessage: (m) => got.push(m),
    onClose: closed,
    maxMessage: 1000,
  });
  return { got, end, link };
}

test('messages arrive whole and in order, however the stream is cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ maxLength: 40 }), { maxLength: 20 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 30 })),
      async (texts, cuts) => {
        const [client, other] = await pair();
        const { got, link } = listen(client);
        const all = Buffer.concat(texts.map((text, n) => frame(JSON.stringify({ n, text }))));
        for (let at = 0; at < all.length; ) {
          const size = cuts.next().value;
          const piece = Buffer.from(all.subarray(at, at + size));
          link.feed(piece);
          // Its reader fills it again.
          piece.fill(0xff);
          at += size;
        }
        expect(got).toEqual(texts.map((text, n) => ({ n, text })));
        client.destroy();
        other.destroy();
      },
    ),
    { numRuns: 40 },
  );
});

for (const [what, bytes] of Object.entries({
  'not JSON': frame('{'),
  'not of the schema': frame('{"n":"x"}'),
  'longer than allowed': Buffer.from([0, 0, 4, 0]),
  empty: Buffer.from([0, 0, 0, 0]),
})) {
  test(`a message that is ${what} closes the link`, async () => {
    const [client, other] = await pair();
    const { end, got, link } = listen(client);
    other.on('error', () => {});
    other.write(bytes);
    expect(await end).toMatch(/message/);
    expect(got).toEqual([]);
    expect(link.send({ n: 1, text: '' })).toBe(false);
    other.destroy();
  });
}

test('what does not fit is not sent: the sender hears it', async () => {
  const [client, other] = await pair();
  const { link } = listen(client);
  expect(() => link.send({ n: 1, text: 'x'.repeat(1000) })).toThrow('at most 1000');
  expect(() => link.send({ n: 'one' } as never)).toThrow();
  client.destroy();
  other.destroy();
});
