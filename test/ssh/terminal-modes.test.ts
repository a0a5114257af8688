import { afterEach, beforeEach, expect, test } from 'vitest';
import { message } from '../../src/ssh/bytes.js';
import { MSG } from '../../src/ssh/messages.js';
import { startDoor, type TestDoor } from './harness.js';
import { RawClient, testKey } from './raw-client.js';

const key = testKey();
let door: TestDoor;
let client: RawClient;

beforeEach(async () => {
  door = await startDoor({ keys: [key.blob.toString('base64')] });
  client = await RawClient.connect(door.port);
  await client.login('alice', key);
});
afterEach(async () => {
  client.socket.destroy();
  expect(door.faults).toEqual([]);
  await door.stop();
});

const HUGE = 0xffff_ffff;
const mode = (opcode: number, value: number) => {
  const bytes = Buffer.alloc(5, opcode);
  bytes.writeUInt32BE(value, 1);
  return bytes;
};

test.each([
  ['one after the other, the last word of each', [mode(53, 1), mode(3, 127), mode(53, 0), mode(159, HUGE)]],
  ['up to the first that is not defined', [mode(53, 0), mode(3, 127), mode(159, HUGE), mode(160, 1), mode(50, 1)]],
  ['up to the end', [mode(53, 0), mode(3, 127), mode(159, HUGE), Buffer.of(0), mode(50, 1)]],
  ['as far as they are whole', [mode(53, 0), mode(3, 127), mode(159, HUGE), Buffer.of(50, 0, 0)]],
])('terminal modes are read %s, and cost nobody the terminal', async (_how, modes) => {
  await client.openSession();
  const request = (type: string, ...fields: (string | number | Buffer)[]) =>
    client.send(message(MSG.CHANNEL_REQUEST, 0, type, true, ...fields));
  request('pty-req', 'xterm', 80, 24, 0, 0, Buffer.concat(modes));
  await client.next(MSG.CHANNEL_SUCCESS);
  request('exec', 'cat');
  await client.next(MSG.CHANNEL_SUCCESS);
  expect(door.requests[0]?.pty?.modes).toEqual([
    [53, 0],
    [3, 127],
    [159, HUGE],
  ]);
});
