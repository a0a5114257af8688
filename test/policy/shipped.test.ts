import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compilePolicy, compileRights, type Question } from '../../src/policy/index.js';
import { FACTS, NOON, run } from './helpers.js';

const read = (name: string) => readFileSync(new URL(`../../policies/${name}`, import.meta.url), 'utf8');
const labels = { user: {}, target: { sensitivity: 'int' as const }, device: { managed: 'bool' as const } };

function shipped() {
  return compilePolicy({
    modelText: read('model.conf'),
    policyText: read('policy.csv'),
    modelFile: 'model.conf',
    policyFile: 'policy.csv',
    labels,
  });
}

async function as(role: string) {
  const { policy } = shipped();
  if (!policy) throw new Error('it does not check');
  const roles = [role, ...policy.rolesOf(role)];
  const holdings = roles.map((r) => ({ role: r, target: '*', via: 'policy' }));
  const rows = policy.rowsFor(new Set(roles), 'local');
  const facts = { ...FACTS, user: {}, target: { sensitivity: 1 } };
  const r = await compileRights({
    user: 'a',
    target: 'local',
    targetGroups: [],
    holdings,
    rows,
    facts,
    model: policy.model,
    labels,
  });
  return (question: Question) => r.decide(question, NOON);
}

const action = (name: string): Question => ({ kind: 'action', action: name });

describe('the policy shipped', () => {
  it('checks without a warning', () => expect(shipped().problems).toEqual([]));

  it('gives an engineer a full working shell from anywhere at any hour', async () => {
    const decide = await as('engineer');
    for (const name of ['@login', '@session', '@exec']) expect(decide(action(name)).allow).toBe(true);
    for (const line of [
      'ls -la',
      'git commit',
      'make',
      'vim x',
      'less x',
      'bash -c x',
      'rm x',
      'tput colors',
      'find . -name delete',
    ]) {
      expect(decide(run(line))).toMatchObject({ allow: true, children: 'checked' });
    }
    expect(decide({ ...run('x'), program: { path: '/home/a/x', names: ['x'], trustedNames: [] } }).allow).toBe(true);
  });

  it('denies everyone what wipes, halts, or starts programs outside the session', async () => {
    for (const role of ['engineer', 'sre', 'viewer', 'admin']) {
      const decide = await as(role);
      for (const line of ['rm -rf x', 'rm x -R', 'rm --recursive x'])
        expect(decide(run(line)).rule?.id).toBe('no-wipe');
      for (const line of [
        'find . -delete',
        ...['at now', 'batch', 'crontab -e', 'atrm 1', 'systemd-run x', 'run0 x', 'machinectl shell', 'busctl call x'],
        ...['dbus-send x', 'gdbus call', 'docker run x', 'podman run x', 'nerdctl run x', 'ctr run x', 'crictl exec x'],
        ...[
          'lxc exec x',
          'lxc-attach -n x',
          'incus exec x',
          'buildah run x',
          'virsh start x',
          'nsenter -t 1',
          'bwrap x',
        ],
        'shutdown',
        'systemctl --force reboot',
        'dd if=x of=/dev/sda',
        'mkfs.ext4 x',
        'unshare -r',
      ]) {
        expect(decide(run(line)).rule?.effect).toBe('deny');
      }
    }
  });

  it('lets a viewer look, and start nothing from there', async () => {
    const decide = await as('viewer');
    expect(decide(run('cat /etc/hosts'))).toMatchObject({ allow: true, children: 'none' });
    for (const line of [
      'vim x',
      'bash',
      'git log',
      'python3',
      'systemctl restart x',
      'systemctl status x',
      'journalctl',
    ])
      expect(decide(run(line)).allow).toBe(false);
    expect(decide(run('systemctl --no-pager status x')).allow).toBe(true);
    expect(decide({ ...run('cat x'), program: { path: '/home/a/cat', names: ['cat'], trustedNames: [] } }).allow).toBe(
      false,
    );
  });

  it('keeps the verbs of the broker to auditors and admins', async () => {
    expect((await as('engineer'))(action('@admin:kill')).allow).toBe(false);
    expect((await as('auditor'))(action('@admin:kill')).allow).toBe(false);
    expect((await as('auditor'))(action('@admin:replay')).allow).toBe(true);
    expect((await as('admin'))(action('@admin:kill')).allow).toBe(true);
  });

  it('takes the lines of the reference as they stand', () => {
    const policyText = `
p, eng,        engineer, *,      *,                               true,                                               allow,  checked
p, no-wipe,    *,        *,      rm {-r|-R|--recursive} **,       true,                                               deny,   checked
p, prod-del,   sre,      prod/*, kubectl delete **,               mfa.age < duration('15m') && risk.score < 50,       allow,  trusted
p, hours,      engineer, *,      @session,                        time.hour >= 7 && time.hour < 20,                   allow,  checked
p, office,     engineer, *,      @login,                          "cidr(source.ip, '10.0.0.0/8')",                    allow,  checked
g, alice, engineer
g2, db1, prod/eu
`;
    const input = { modelText: read('model.conf'), modelFile: 'm', policyFile: 'p', labels };
    expect(compilePolicy({ ...input, policyText }).problems).toEqual([]);
  });
});
