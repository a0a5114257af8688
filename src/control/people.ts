/** Users and their keys. */
import { parsePublicKey } from '../authority/index.js';
import { SallyportError } from '../core/errors.js';
import { change, endOf } from './act.js';
import type { AdminPort } from './admin-port.js';
import type { Deps } from './deps.js';
import { keyView, userView } from './views.js';

type People = Pick<
  AdminPort,
  'user.add' | 'user.list' | 'user.show' | 'user.remove' | 'user.key-add' | 'user.key-remove'
>;

export function people(deps: Deps): People {
  const { authority } = deps;
  return {
    'user.list': async () => ({ users: authority.users().map((u) => userView(u, authority)) }),
    'user.show': async ({ name }) => ({ user: userView(mustKnow(deps, name), authority) }),
    'user.add': async (request, caller) => {
      const { name, account, roles, reason } = request;
      const keys = request.keys.map((line) => parsePublicKey(line));
      refuseAccount(deps, account);
      const trace = {
        user: name,
        text: `add user ${name}`,
        ...(reason !== undefined && { reason }),
        data: { keys: keys.map((k) => k.fp), roles, ...(account !== undefined && { account }) },
      };
      const input = { name, keys, roles, by: caller.name, ...(account !== undefined && { account }) };
      const { effects } = await change(deps, 'user.add', caller, trace, () =>
        authority.addUser({ ...input, ...(reason !== undefined && { reason }) }),
      );
      return { user: userView(mustKnow(deps, name), authority), effects };
    },
    'user.remove': async ({ name, reason }, caller) => {
      mustKnow(deps, name);
      const trace = { user: name, text: `remove user ${name}`, ...(reason !== undefined && { reason }) };
      const work = () => authority.removeUser({ user: name, by: caller.name });
      const { effects } = await change(deps, 'user.remove', caller, trace, work);
      return { name, effects };
    },
    'user.key-add': async ({ name, key: line, ...span }, caller) => {
      mustKnow(deps, name);
      const key = parsePublicKey(line);
      const expiresAt = endOf(span, deps.clock.now());
      const trace = { user: name, key: key.fp, text: `add a key to user ${name}` };
      const input = { user: name, key, by: caller.name, ...(expiresAt !== undefined && { expiresAt }) };
      const done = await change(deps, 'user.key-add', caller, trace, () => authority.addKey(input));
      return { name, key: keyView(done.key), effects: done.effects };
    },
    'user.key-remove': async ({ name, fp }, caller) => {
      const user = mustKnow(deps, name);
      if (!user.keys.some((key) => key.fp === fp))
        throw new SallyportError('not-found', `user ${name} has no key ${fp}`);
      const trace = { user: name, key: fp, text: `remove a key of user ${name}` };
      const work = () => authority.removeKey({ user: name, fp, by: caller.name });
      const { effects } = await change(deps, 'user.key-remove', caller, trace, work);
      return { name, fp, effects };
    },
  };
}

export function mustKnow({ authority }: Deps, name: string) {
  const user = authority.user(name);
  if (!user) throw new SallyportError('not-found', `no user ${name}; \`sallyport user list\` names them all`);
  return user;
}

function refuseAccount(deps: Deps, account: string | undefined): void {
  if (account === undefined) return;
  if (deps.sandboxed)
    throw new SallyportError(
      'usage',
      `--account ${account}: a broker that is not run by root has no other accounts: leave it out`,
    );
  if (account === 'root')
    throw new SallyportError('usage', '--account root: sessions never run as account 0: name another');
}
