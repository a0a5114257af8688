/** A real home in a temporary directory, with everything the operations stand on, and recordable live sessions. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Authority, type Change, openAuthority } from '../../src/authority/index.js';
import { loadConfig } from '../../src/config/index.js';
import type { AdminPort, Caller } from '../../src/control/admin-port.js';
import type { OperationsOptions } from '../../src/control/deps.js';
import { type Live, nothingLive } from '../../src/control/live.js';
import { createOperations } from '../../src/control/operations.js';
import { loadPolicy } from '../../src/control/policy-files.js';
import { type AuditEvent, type AuditLog, openAuditLog, openStore, readAudit } from '../../src/store/index.js';
import { root } from '../contracts/sources.js';
import { FakeClock } from '../helpers/fake-clock.js';

export const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIcBQq4RCMnO2jmUcTQ2CrdTaMhqSjN2ldOpUjOfeRuW alice@desk';
export const ROOT: Caller = { uid: 0, name: 'root', by: 'root' };

export const POLICY = `
p, eng,     engineer, *, *,                       true, allow, checked
p, session, engineer, *, @session,                true, allow, checked
p, login,   engineer, *, @login,                  true, allow, checked
p, no-wipe, *,        *, rm {-r|-R|--recursive} **, true, deny, checked
p, risky,   engineer, *, reboot,                  has(risk.score) && risk.score > 50, deny, checked
p, helper,  helper,   *, '@admin:{lock|locks}',   true, allow, checked
g, carol, engineer
`;

export interface TestHome {
  dir: string;
  port: AdminPort;
  authority: Authority;
  audit: AuditLog;
  clock: FakeClock;
  /** Changes that live sessions were asked to follow. */
  settled: Change[];
  events(): Promise<AuditEvent[]>;
  close(): Promise<void>;
}

export function makeHomeDirectory(config = '', policy = POLICY): string {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-control-'));
  mkdirSync(join(dir, 'policies'));
  cpSync(join(root, 'policies/model.conf'), join(dir, 'policies/model.conf'));
  writeFileSync(join(dir, 'policies/policy.csv'), policy);
  writeFileSync(join(dir, 'sallyport.yaml'), config);
  return dir;
}

export interface TestHomeOptions {
  config?: string;
  live?: Partial<Live<Change>>;
  more?: Partial<OperationsOptions>;
}

export async function openTestHome(options: TestHomeOptions = {}): Promise<TestHome> {
  const dir = makeHomeDirectory(options.config);
  const clock = new FakeClock();
  const config = loadConfig(dir);
  const { policy } = loadPolicy(config);
  if (!policy) throw new Error('the test policy does not check');
  const state = join(dir, 'state');
  const store = await openStore(state, { create: true });
  const audit = openAuditLog(state, clock);
  const authority = openAuthority({ store, policy, clock, config });
  const settled: Change[] = [];
  const settle = async (change: Change) => {
    settled.push(change);
    return [];
  };
  const live: Live<Change> = { ...nothingLive, settle, ...options.live };
  const parts = { authority, store, audit, live, config: () => config, policy, clock, sandboxed: false };
  return {
    dir,
    port: createOperations({ ...parts, ...options.more }),
    authority,
    audit,
    clock,
    settled,
    events: async () => {
      const found: AuditEvent[] = [];
      for await (const event of readAudit(state)) found.push(event);
      return found;
    },
    async close() {
      authority.close();
      await audit.close();
      await store.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** What an admin sees. */
export async function wholeStatus({ port }: TestHome) {
  const status = await port.status({}, ROOT);
  if ('user' in status) throw new Error('the status of one user alone');
  return status;
}
