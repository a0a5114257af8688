/** A keeper without processes: everything that decides and registers, with doors that say what a test wants. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Authority, openAuthority, parsePublicKey } from '../../src/authority/index.js';
import { type Config, DEFAULT_YAML, parseConfig } from '../../src/config/index.js';
import { createAdmission } from '../../src/keeper/admission.js';
import { createEndings, type Endings } from '../../src/keeper/ending.js';
import type { Connection, Listener } from '../../src/keeper/listener.js';
import { createLive, type LiveSide } from '../../src/keeper/live.js';
import { createLogins } from '../../src/keeper/logins.js';
import { createPace } from '../../src/keeper/pace.js';
import type { Pair } from '../../src/keeper/pair.js';
import type { Pairs } from '../../src/keeper/pairs.js';
import { createProver } from '../../src/keeper/prove.js';
import { createRegistry } from '../../src/keeper/registry.js';
import { createReviews } from '../../src/keeper/reviews/reviews.js';
import { type RouteParts, routeDoor } from '../../src/keeper/routes.js';
import { createTrees } from '../../src/keeper/trees.js';
import { createWatchdog } from '../../src/keeper/watchdog.js';
import { type CompiledPolicy, compilePolicy } from '../../src/policy/index.js';
import { openAuditLog, openStore } from '../../src/store/index.js';
import type { FromDoor, ToDoor } from '../../src/wire/door.js';
import type { KeeperToGuard } from '../../src/wire/guard.js';
import type { Admitted } from '../../src/wire/types.js';
import { FakeClock } from './fake-clock.js';

export const KEEPER_POLICY = `
p, in,      engineer, *, @login,   true, allow, checked
p, session, engineer, *, @session, true, allow, checked
g, daemon, engineer
`;

export interface TestPair extends Pair {
  said: ToDoor[];
  ordered: KeeperToGuard[];
}

export function pairOf(number: number): TestPair {
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
    give: () => {},
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
export function identity() {
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
  return { line: `ssh-ed25519 ${blob.toString('base64')} test`, proof };
}

export function policyOf(text: string, config: Config): CompiledPolicy {
  const modelText = readFileSync(new URL('../../policies/model.conf', import.meta.url), 'utf8');
  const files = { modelFile: 'model.conf', policyFile: 'policy.csv' };
  const { policy } = compilePolicy({ modelText, policyText: text, ...files, labels: config.labels });
  if (!policy) throw new Error('the policy does not check');
  return policy;
}

export interface KeeperScene {
  clock: FakeClock;
  config: Config;
  authority: Authority;
  endings: Endings;
  live: LiveSide;
  parts: RouteParts;
  /** The client connections, by number: 1 and 2, each with the pair of its number. */
  connections: Map<number, Connection>;
  daemon: ReturnType<typeof identity>;
  /** Marks made and cleared, in order. */
  marks: string[];
  markDelay: Promise<void> | undefined;
  dir: string;
  /** Says it and waits for the answer, if there is to be one. */
  say(message: FromDoor, pair: TestPair): Promise<ToDoor | undefined>;
  login(pair: TestPair, proof?: FromDoor): Promise<string | undefined>;
  admitted(pair: TestPair): Promise<Admitted>;
  audited(): { event: string; session?: string; cause?: string; reason?: string }[];
  close(): Promise<void>;
}

export async function openKeeperScene(policyText = KEEPER_POLICY, unanswered?: number): Promise<KeeperScene> {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-keeper-'));
  const clock = new FakeClock();
  const yaml = DEFAULT_YAML.replace(/^accounts:.*$/m, '');
  const config = parseConfig(`${yaml}\naccounts: { daemon: { home: private, shell: /bin/bash } }\n`, dir);
  const store = await openStore(join(dir, 'state'), { create: true });
  const audit = openAuditLog(join(dir, 'state'), clock);
  const authority = openAuthority({ store, policy: policyOf(policyText, config), clock, config });
  const daemon = identity();
  await authority.addUser({ name: 'daemon', keys: [parsePublicKey(daemon.line)], by: 'test' });
  const registry = createRegistry();
  const marks: string[] = [];
  const clearLive = async (sid: string) => void marks.push(`cleared ${sid}`);
  const endings = createEndings({ clock, registry, audit, clearLive });
  const trees = createTrees(clock);
  const watchdog = createWatchdog(clock, registry, endings);
  const connections = new Map<number, Connection>(
    [1, 2].map((id) => [id, { id, ip: '192.0.2.1', port: 1, authenticated: false, pair: id }]),
  );
  const connection = (id: number) => connections.get(id);
  const logins = createLogins({
    authority,
    audit,
    clock,
    targets: () => config.targets,
    prepare: async () => {},
    connection,
  });
  const current = { current: config };
  const admission = createAdmission({
    ...{ authority, audit, config: current, clock, registry, logins, endings },
    isolation: 'account',
    doorUid: 61_184,
    hide: [],
    administration: () => undefined,
    closed: () => undefined,
    expect: watchdog.expect,
    renew: (session) => live.renew(session),
    async markLive(s) {
      await scene.markDelay;
      marks.push(`marked ${s.id}`);
    },
  });
  const pairs = { info: () => [] } as unknown as Pairs;
  const live = createLive({
    authority,
    config: current,
    clock,
    registry,
    endings,
    watchdog,
    trees,
    pairs,
    ...(unanswered && { pace: createPace(unanswered) }),
  });
  const reviews = createReviews({
    ...{ authority, audit, clock, registry, watchdog },
    config: current,
    fault: () => {},
  });
  const parts: RouteParts = {
    ...{ clock, registry, logins, admission, endings, watchdog, trees, audit, reviews },
    prove: createProver({ authority, audit, clock, logins, live }),
    settled: (sid, version, answer) => live.settled(sid, version, answer),
    listener: () => listenerOf(connections),
    fault: () => {},
  };
  const say: KeeperScene['say'] = async (message, pair) => {
    const before = pair.said.length;
    routeDoor(message, pair, parts);
    for (let i = 0; i < 200 && pair.said.length === before; i += 1) await pause(5);
    return pair.said[before];
  };
  const login: KeeperScene['login'] = async (pair, proof = daemon.proof(pair.number, 'daemon')) => {
    const answer = await say(proof, pair);
    return answer?.type === 'logged-in' ? answer.login : undefined;
  };
  const scene: KeeperScene = {
    ...{ clock, config, authority, endings, live, parts, connections, daemon, marks, dir, say, login },
    markDelay: undefined,
    async admitted(pair) {
      const answer = await say(admit(pair.number, (await login(pair)) ?? ''), pair);
      if (answer?.type !== 'admitted' || !answer.session) throw new Error(JSON.stringify(answer));
      return answer.session;
    },
    audited: () =>
      readFileSync(join(dir, 'state', 'audit.log'), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
    async close() {
      watchdog.stop();
      reviews.stop();
      authority.close();
      await audit.close();
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  return scene;
}

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function listenerOf(connections: Map<number, Connection>): Listener {
  return {
    address: { host: '127.0.0.1', port: 22 },
    connection: (id) => connections.get(id),
    authenticated(id) {
      const c = connections.get(id);
      if (c) c.authenticated = true;
    },
    closed: (id) => void connections.delete(id),
    connectionsOf: (pair) => [...connections.values()].filter((c) => c.pair === pair).map((c) => c.id),
    countOf: () => 0,
    close: () => {},
  };
}

export const admit = (conn: number, login: string) =>
  ({ type: 'admit', q: 2, conn, login, kind: 'shell', env: {}, pty: { term: 'x', cols: 80, rows: 24 } }) as const;
