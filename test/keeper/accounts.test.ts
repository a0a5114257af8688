import { describe, expect, it } from 'vitest';
import { DEFAULT_YAML, parseConfig } from '../../src/config/index.js';
import { doorAccount, placeUser } from '../../src/keeper/accounts.js';
import { accountByName, accountByUid } from '../../src/os/passwd.js';

const config = parseConfig(
  `${DEFAULT_YAML.replace(/^accounts:.*$/m, '')}\naccounts: { nobody: { home: private, shell: /bin/sh } }\n`,
  '/srv/bastion',
);
const place = (name: string, account?: string, doorUid?: number) =>
  placeUser({ name, ...(account === undefined ? {} : { account }) }, 'account', config, doorUid);

describe('account 0 is never launched', () => {
  it('by name', () => expect(place('root')).toMatch(/account 0, which is never launched/));
  it('by another name', () => expect(place('alice', 'root')).toMatch(/never launched/));
});

describe('a user is placed', () => {
  it('nowhere when the account does not exist', () =>
    expect(place('no-such-account')).toMatch(/does not exist on this host: create it, or name another with --account/));
  it('nowhere when the account has no shell', () => expect(place('daemon')).toMatch(/no usable shell/));
  it('nowhere on the doors’ own account', () =>
    expect(place('alice', 'nobody', accountByName('nobody')?.uid)).toMatch(/the doors' own/));
  it('in a private home where the configuration says so', () => {
    const uid = accountByName('nobody')?.uid;
    expect(place('alice', 'nobody')).toMatchObject({
      account: { name: 'nobody', uid, home: '/home/nobody', shell: '/bin/sh' },
      privateHome: '/srv/bastion/homes/nobody',
    });
  });
  it('in the sandbox without an account of their own', () => {
    const placed = placeUser({ name: 'alice', account: 'bob' }, 'sandbox', config, undefined);
    expect(placed).toMatch(/needs a broker run by root/);
  });
});

describe('the doors', () => {
  it('get a number no account has, never 0', () => {
    const { uid, gid } = doorAccount('auto');
    expect(uid).toBeGreaterThan(0);
    expect(gid).toBeGreaterThan(0);
    if (!accountByName('sallyport')) expect(accountByUid(uid)).toBeUndefined();
  });
  it('do not run as root, and not as an account that is not there', () => {
    expect(() => doorAccount('root')).toThrow(/privileged/);
    expect(() => doorAccount('no-such-account')).toThrow(/no account of this host/);
  });
});
