/** A key is not always enough: keyboard-interactive after it, and never instead. */
import { chmodSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { message } from '../../src/ssh/bytes.js';
import { verifyProof } from '../../src/ssh/index.js';
import { MSG } from '../../src/ssh/messages.js';
import type { Login, SshHooks } from '../../src/ssh/types.js';
import { startDoor, type TestDoor } from './harness.js';
import { OpenSsh } from './openssh.js';
import { RawClient, testKey } from './raw-client.js';

const key = testKey();
const CODE = '123456';
let door: TestDoor;
const typed: string[] = [];

/** A key holds, and then the code. */
const asking: Partial<SshHooks> = {
  login: async (_conn, name, proof) => {
    if (verifyProof(proof, { user: name.raw }) !== true) return undefined;
    const login: Login = { user: name.user, target: name.target };
    return {
      prompt: 'Verification code: ',
      answer: async (text) => {
        typed.push(text);
        return text === CODE ? login : undefined;
      },
    };
  },
};

afterEach(async () => {
  typed.length = 0;
  expect(door.faults).toEqual([]);
  await door.stop();
});

const kbdint = (user = 'alice') =>
  message(MSG.USERAUTH_REQUEST, user, 'ssh-connection', 'keyboard-interactive', '', '');
/** The methods that may go on, and whether what was tried was good. */
const refused = async (client: RawClient) => {
  const body = await client.next(MSG.USERAUTH_FAILURE);
  return [body.name(), body.bool()];
};
const start = async (blob: string) => {
  door = await startDoor({ keys: [blob], hooks: asking, limits: { authTries: 4 } });
};
const half = async () => {
  await start(key.blob.toString('base64'));
  const client = await RawClient.connect(door.port);
  await client.userAuthService();
  client.send(client.signedRequest('alice', key));
  expect(await refused(client)).toEqual(['keyboard-interactive', true]);
  return client;
};
const asked = async (client: RawClient) => {
  client.send(kbdint());
  const body = await client.next(MSG.USERAUTH_INFO_REQUEST);
  const [name, instruction, language] = [body.string(), body.string(), body.string()].map(String);
  expect([name, instruction, language, body.uint32(), String(body.string()), body.bool()]).toEqual([
    ...['', '', '', 1, 'Verification code: ', false],
  ]);
};
const answer = (...texts: string[]) => message(MSG.USERAUTH_INFO_RESPONSE, texts.length, ...texts);

describe('with the real client', () => {
  const run = async (codes: string[]) => {
    const ssh = new OpenSsh();
    const { file, blob } = ssh.makeKey('ed25519');
    await start(blob);
    const counter = ssh.file('n', '');
    const list = ssh.file('codes', `${codes.join('\n')}\n`);
    const askpass = ssh.file('askpass', `#!/bin/sh\necho x >> ${counter}; sed -n "$(wc -l < ${counter})p" ${list}\n`);
    chmodSync(askpass, 0o700);
    const args = [...ssh.common(door.port, file), '-o', 'BatchMode=no', 'alice@127.0.0.1', 'status 7'];
    const ordered = ['-o', 'BatchMode=no', ...args];
    const ran = await ssh.run('ssh', ordered, '', { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' });
    ssh.stop();
    return ran;
  };

  test('the right code lets in', async () => {
    expect((await run([CODE])).code).toBe(7);
    expect(typed).toEqual([CODE]);
  });

  test('a wrong one is asked for again', async () => {
    expect((await run(['000000', CODE])).code).toBe(7);
    expect(typed).toEqual(['000000', CODE]);
  });

  test('wrong ones only do not', async () => {
    const { code, err } = await run(['1', '2', '3', '4', '5']);
    expect(code).toBe(255);
    expect(err).toMatch(/Permission denied|too many/i);
    expect(typed.length).toBeLessThanOrEqual(4);
  });
});

describe('a client that does not keep to the order', () => {
  test('has no answer without a key', async () => {
    await start(key.blob.toString('base64'));
    const client = await RawClient.connect(door.port);
    await client.userAuthService();
    client.send(kbdint());
    expect(await refused(client)).toEqual(['publickey', false]);
    client.send(answer(CODE));
    client.send(message(MSG.CHANNEL_OPEN, 'session', 0, 1000, 1000));
    await client.next(MSG.DISCONNECT);
    expect(typed).toEqual([]);
  });

  test('is not let in by an answer nobody asked for', async () => {
    const client = await half();
    client.send(answer(CODE));
    await asked(client);
    client.send(answer(CODE));
    await client.next(MSG.USERAUTH_SUCCESS);
    expect(typed).toEqual([CODE]);
  });

  test('answers one question once', async () => {
    const client = await half();
    await asked(client);
    client.send(answer('000000'));
    client.send(answer(CODE));
    expect(await refused(client)).toEqual(['keyboard-interactive', false]);
    expect(typed).toEqual(['000000']);
  });

  test('gives up a question by asking for another', async () => {
    const client = await half();
    await asked(client);
    await asked(client);
    client.send(answer(CODE));
    await client.next(MSG.USERAUTH_SUCCESS);
  });

  test.each([
    ['no answer', answer()],
    ['two answers', answer(CODE, CODE)],
    ['a huge answer', answer('1'.repeat(20_000))],
  ])('gives %s', async (_what, payload) => {
    const client = await half();
    await asked(client);
    client.send(payload);
    await client.next(MSG.USERAUTH_FAILURE);
    expect(typed).toEqual([]);
  });

  test('cannot go on guessing', async () => {
    const client = await half();
    for (let i = 0; i < 3; i += 1) {
      await asked(client);
      client.send(answer(String(i)));
      await client.next(MSG.USERAUTH_FAILURE);
    }
    await asked(client);
    client.send(answer('3'));
    await client.next(MSG.DISCONNECT);
    expect(typed).toHaveLength(4);
  });

  test('cannot take another name along', async () => {
    const client = await half();
    client.send(kbdint('bob'));
    await client.next(MSG.DISCONNECT);
    expect(typed).toEqual([]);
  });

  test('sends half an answer, and is gone', async () => {
    const client = await half();
    await asked(client);
    client.send(Buffer.from([MSG.USERAUTH_INFO_RESPONSE, 0, 0, 0, 1, 0, 0, 0, 9, 49]));
    await client.next(MSG.DISCONNECT);
  });
});
