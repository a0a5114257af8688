import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAuthority, parsePublicKey } from '../../src/authority/index.js';
import { DEFAULT_YAML, parseConfig } from '../../src/config/index.js';
import { newId } from '../../src/core/ids.js';
import { createAdmission } from '../../src/keeper/admission.js';
import { createEndings } from '../../src/keeper/ending.js';
import { createLogins } from '../../src/keeper/logins.js';
import type { Pair } from '../../src/keeper/pair.js';
import { createRegistry } from '../../src/keeper/registry.js';
import { type RouteParts, routeDoor } from '../../src/keeper/routes.js';
import { createWatchdog } from '../../src/keeper/watchdog.js';
import { compilePolicy } from '../../src/policy/index.js';
import { openAuditLog, openStore } from '../../src/store/index.js';
import type { FromDoor, ToDoor } from '../../src/wire/door.js';
import type { KeeperToGuard } from '../../src/wire/guard.js';
import { FakeClock } from '../helpers/fake-clock.js';

const POLICY = `
p, in,      engineer, *, @login,   true, allow, checked
p, session, engineer, *, @session, true, allow, checked
g, daemon, engineer
`;

interface TestPair extends Pair {
  said: ToDoor[];
  ordered: KeeperToGuard[];
}

function pairOf(number: number): TestPair {
  const said: ToDoor[] = [];
  const ordered: KeeperToGuard[] = [];
  return {
    number,
    ready: true,
    alive: true,
    doorPid: 1,
    guardPid: 1,
    toDoor: (m) => said.push(m) > 0,
    toGuard: (m) => ordered.push(m) > 0,
    giveSocket: () => true,
    take: () => [],
    kill: () => {},
    buried: Promise.resolve(),
    said,
    ordered,
  };
}

const text = (s: string | Buffer) => {
  const bytes = Buffer.from(s);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(bytes.length);
  return Buffer.concat([size, bytes]);
};

/** An ed25519 key as ssh knows it, and a signed login request made with it. */
function identity() {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = (publicKey as KeyObject).export({ format: 'der', type: 'spki' }).subarray(-32);
  const blob = Buffer.concat([text('ssh-ed25519'), text(raw)]);
  const request = (name: string) =>
    Buffer.concat([
      text(randomBytes(32)),
      Buffer.from([50]),
      text(name),
      text('ssh-connection'),
      text('publickey'),
      Buffer.from([1]),
      text('ssh-ed25519'),
      text(blob),
    ]);
  const proof = (conn: number, name: string, signed = request(name)) => ({
    type: 'login' as const,
    q: 1,
    conn,
    name,
    algo: 'ssh-ed25519',
    keyType: 'ssh-ed25519',
    key: blob.toString('base64'),
    signed: signed.toString('base64'),
    signature: Buffer.concat([text('ssh-ed25519'), text(sign(null, signed, privateKey))]).toString('base64'),
  });
  return { line: `ssh-ed25519 ${blob.toString('base64')} test`, proof, publicKey: createPublicKey(privateKey) };
}

let dir: string;
let close: () => Promise<void>;
let parts: RouteParts;
const daemon = identity();

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sallyport-lying-'));
  const clock = new FakeClock();
  const config = parseConfig(
    `${DEFAULT_YAML.replace(/^accounts:.*$/m, '')}\naccounts: { daemon: { home: private, shell: /bin/bash } }\n`,
    dir,
  );
  const modelText = readFileSync(new URL('../../policies/model.conf', import.meta.url), 'utf8');
  const { policy } = compilePolicy({
    modelText,
    modelFile: 'model.conf',
    policyText: POLICY,
    policyFile: 'policy.csv',
    labels: config.labels,
  });
  if (!policy) throw new Error('the policy does not check');
  const store = await openStore(join(dir, 'state'), { create: true });
  const audit = openAuditLog(join(dir, 'state'), clock);
  const authority = openAuthority({ store, policy, clock, config });
  await authority.addUser({ name: 'daemon', keys: [parsePublicKey(daemon.line)], by: 'test' });
  const registry = createRegistry();
  const endings = createEndings({ clock, registry, audit, clearLive: async () => {} });
  const connections = new Map(
    [1, 2].map((id) => [id, { id, ip: '192.0.2.1', port: 1, authenticated: false, pair: id }]),
  );
  const logins = createLogins({
    authority,
    audit,
    clock,
    targets: () => config.targets,
    connection: (id) => connections.get(id),
  });
  const admission = createAdmission({
    authority,
    audit,
    config: { current: config },
    clock,
    registry,
    logins,
    endings,
    isolation: 'account',
    doorUid: 61_184,
    hide: [],
    closed: () => undefined,
    markLive: async () => {},
  });
  const watchdog = createWatchdog(clock, registry, endings);
  parts = {
    registry,
    logins,
    admission,
    endings,
    watchdog,
    audit,
    settled: () => {},
    listener: () => undefined,
    fault: () => {},
  };
  close = async () => {
    watchdog.stop();
    authority.close();
    await audit.close();
    await store.close();
    rmSync(dir, { recursive: true, force: true });
  };
});
afterEach(() => close());

/** Says it and waits for the answer, if there is to be one. */
async function say(message: FromDoor, pair: TestPair): Promise<ToDoor | undefined> {
  const before = pair.said.length;
  routeDoor(message, pair, parts);
  for (let i = 0; i < 200 && pair.said.length === before; i += 1) await new Promise((r) => setTimeout(r, 5));
  return pair.said[before];
}

async function login(pair: TestPair, proof = daemon.proof(pair.number, 'daemon')): Promise<string | undefined> {
  const answer = await say(proof, pair);
  return answer?.type === 'logged-in' ? answer.login : undefined;
}

const admit = (conn: number, id: string) =>
  ({ type: 'admit', q: 2, conn, login: id, kind: 'shell', env: {}, pty: { term: 'x', cols: 80, rows: 24 } }) as const;

describe('a door that lies', () => {
  it('logs nobody in without a signature of theirs over a request of theirs', async () => {
    const pair = pairOf(1);
    const stranger = identity();
    expect(await login(pair, stranger.proof(1, 'daemon'))).toBeUndefined();
    const other = daemon.proof(1, 'daemon');
    expect(await login(pair, { ...other, name: 'root' })).toBeUndefined();
    expect(await login(pair, { ...other, signature: stranger.proof(1, 'daemon').signature })).toBeUndefined();
    expect(await login(pair, other)).toMatch(/^[0-9a-z]{26}$/);
  });

  it('cannot use a signature twice', async () => {
    const proof = daemon.proof(1, 'daemon');
    expect(await login(pairOf(1), proof)).toBeTruthy();
    expect(await login(pairOf(1), proof)).toBeUndefined();
  });

  it('cannot use a login of another door, of another connection, or one that it made up', async () => {
    const [one, two] = [pairOf(1), pairOf(2)];
    const id = (await login(one)) ?? '';
    expect(await say(admit(1, id), two)).toMatchObject({ type: 'admitted', refusal: 'not logged in' });
    expect(await say(admit(2, id), one)).toMatchObject({ type: 'admitted', refusal: 'not logged in' });
    expect(await say(admit(1, newId()), one)).toMatchObject({ type: 'admitted', refusal: 'not logged in' });
    expect(parts.registry.size()).toBe(0);
  });

  it('cannot launch, end or write decisions for a session of another door', async () => {
    const [one, two] = [pairOf(1), pairOf(2)];
    const answer = await say(admit(1, (await login(one)) ?? ''), one);
    const session = answer?.type === 'admitted' ? answer.session : undefined;
    const sid = session?.id ?? '';
    expect(sid).not.toBe('');
    routeDoor({ type: 'go', sid }, two, parts);
    routeDoor({ type: 'ended', sid, cause: 'exit', status: '0', commands: 0, denied: 0 }, two, parts);
    const event = { n: 1, at: 0, gate: 'exec', command: 'x', allow: true, why: 'rule' } as const;
    routeDoor({ type: 'decisions', sid, events: [event] }, two, parts);
    await new Promise((r) => setTimeout(r, 50));
    expect(two.ordered).toEqual([]);
    expect(parts.registry.get(sid)).toMatchObject({ state: 'reserved', commands: 0 });
  });

  it('has the account, the recording and the deadline chosen for it', async () => {
    const pair = pairOf(1);
    const lie = { ...admit(1, (await login(pair)) ?? ''), account: 'root', deadline: 1e15 } as ReturnType<typeof admit>;
    const answer = await say(lie, pair);
    const sid = (answer?.type === 'admitted' && answer.session?.id) || '';
    routeDoor({ type: 'go', sid }, pair, parts);
    routeDoor({ type: 'go', sid }, pair, parts);
    for (let i = 0; i < 200 && pair.ordered.length === 0; i += 1) await new Promise((r) => setTimeout(r, 5));
    const [order] = pair.ordered;
    expect(order).toMatchObject({ type: 'launch', sid, account: { name: 'daemon', uid: 1 } });
    expect(order?.type === 'launch' && order.recording.startsWith(join(dir, 'recordings'))).toBe(true);
    // Once is enough: a second go launches nothing.
    routeDoor({ type: 'go', sid }, pair, parts);
    await new Promise((r) => setTimeout(r, 50));
    expect(pair.ordered).toHaveLength(1);
  });
});
