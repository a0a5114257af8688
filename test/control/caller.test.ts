import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { type CallerRules, identifyCaller, sharesPidNamespace } from '../../src/control/caller.js';

const rules = (more: Partial<CallerRules> = {}): CallerRules => ({
  ownUid: 500,
  admins: [{ uid: 1001, user: 'carol' }],
  decide: async (_user, verb) => ({ allow: verb === 'lock', denied: false, why: 'no rule allows it' }),
  sharesNamespace: () => true,
  ...more,
});

describe('callers of the control socket', () => {
  it('are root, the broker itself, and admins by policy', async () => {
    expect(await identifyCaller({ pid: 1, uid: 0 }, 'lock', rules())).toMatchObject({ name: 'root', by: 'root' });
    expect(await identifyCaller({ pid: 1, uid: 500 }, 'kill', rules())).toMatchObject({ by: 'owner' });
    expect(await identifyCaller({ pid: 1, uid: 1001 }, 'lock', rules())).toMatchObject({ name: 'carol', by: 'policy' });
  });

  it('are refused otherwise, and the refusal is heard of', async () => {
    const heard: string[] = [];
    const listening = rules({ onRefused: ({ uid }, verb) => heard.push(`${uid} ${verb}`) });
    await expect(identifyCaller({ pid: 1, uid: 1001 }, 'kill', listening)).rejects.toMatchObject({ code: 'refused' });
    await expect(identifyCaller({ pid: 1, uid: 1002 }, 'lock', listening)).rejects.toMatchObject({ code: 'refused' });
    expect(heard).toEqual(['1001 kill', '1002 lock']);
  });

  it('ask for themselves without a rule, unless one denies it', async () => {
    const carol = { pid: 1, uid: 1001 };
    expect(await identifyCaller(carol, 'grants', rules())).toMatchObject({ by: 'self', user: 'carol' });
    const denying = rules({ decide: async () => ({ allow: false, denied: true, why: 'locked: lost laptop' }) });
    await expect(identifyCaller(carol, 'grants', denying)).rejects.toMatchObject({ code: 'refused' });
    await expect(identifyCaller({ pid: 1, uid: 1002 }, 'grants', rules())).rejects.toMatchObject({ code: 'refused' });
  });

  it('are refused when deciding fails', async () => {
    const failing = rules({
      decide: async () => {
        throw new Error('no such user');
      },
    });
    await expect(identifyCaller({ pid: 1, uid: 1001 }, 'lock', failing)).rejects.toThrow();
  });

  it('are refused from within a session, root and the broker too', async () => {
    const within = rules({ sharesNamespace: () => false });
    for (const uid of [0, 500, 1001])
      await expect(identifyCaller({ pid: 1, uid }, 'lock', within)).rejects.toMatchObject({ code: 'refused' });
  });
});

describe('a pid namespace', () => {
  it('is the same for this process and its children', async () => {
    expect(sharesPidNamespace(process.pid)).toBe(true);
    expect(sharesPidNamespace(0)).toBe(false);
    expect(sharesPidNamespace(2 ** 22 + 1)).toBe(false);
  });

  it('is another inside bubblewrap', async () => {
    const args = ['--unshare-user', '--unshare-pid', '--ro-bind', '/', '/', '--proc', '/proc', '--info-fd', '3'];
    const child = spawn('bwrap', [...args, 'cat'], { stdio: ['pipe', 'pipe', 'inherit', 'pipe'] });
    const [, cat, , info] = child.stdio;
    const told = text(info as Readable);
    child.stdin?.write('ready');
    await once(cat as Readable, 'data');
    const pid: number = JSON.parse(await told)['child-pid'];
    expect(sharesPidNamespace(child.pid ?? 0)).toBe(true);
    expect(sharesPidNamespace(pid)).toBe(false);
    child.stdin?.end();
    await once(child, 'exit');
  });
});
