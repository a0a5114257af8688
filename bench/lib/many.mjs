/** Hundreds of real sessions over ssh: a few connections with many channels each, a real dash on a pty in every one. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { built } from './paths.mjs';
import { mono, pooled } from './stats.mjs';

/** Users with a key each, and grants, written into a home before its broker starts. Returns private keys by name. */
export async function seed(home, names, grants) {
  const { openStore } = await built('store/index.js');
  const { parsePublicKey } = await built('authority/index.js');
  const keys = new Map();
  const store = await openStore(join(home, 'state'));
  const users = names.map((name) => {
    const { secret, ...parsed } = goodPair(name, parsePublicKey);
    keys.set(name, secret);
    const key = { ...parsed, addedAt: Date.now() };
    return { name, createdAt: Date.now(), labels: {}, account: 'nobody', keys: [key] };
  });
  await store.commit({
    ...store.data,
    users: [...store.data.users, ...users],
    grants: [...store.data.grants, ...grants],
  });
  await store.close();
  return keys;
}

/** Of ssh2's ed25519 keys one in some hundreds has lost a leading zero. */
function goodPair(comment, parse) {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519', { comment });
    try {
      return { ...parse(pair.public), secret: pair.private };
    } catch {}
  }
}

/** One connection of a user; resolves with its client. */
async function connected(contender, user, privateKey) {
  const sock = connect({ port: contender.port, host: '127.0.0.1', noDelay: true });
  const client = new ssh2.Client();
  client.on('error', () => {});
  const ready = Promise.race([
    once(client, 'ready'),
    once(client, 'close').then(() => Promise.reject(new Error(`${user}: closed before login`))),
  ]);
  client.connect({ sock, username: user, privateKey, readyTimeout: 60_000, hostVerifier: () => true });
  await ready;
  return client;
}

/** A shell whose prompt is there. `closedAt`: when its channel closed; `text`: the last it said. */
function shellOf(client) {
  return new Promise((resolve, reject) => {
    client.shell({ term: 'xterm', cols: 80, rows: 24 }, (error, channel) => {
      if (error) return reject(error);
      const session = { client, channel, text: '', closedAt: undefined, status: undefined };
      channel.on('data', (data) => {
        session.text = (session.text + data.toString('latin1')).slice(-2_000);
        if (/[$#] $/.test(session.text)) resolve(session);
      });
      channel.stderr.on('data', () => {});
      channel.on('error', () => {});
      channel.on('exit', (status) => {
        session.status = status;
      });
      channel.on('close', () => {
        session.closedAt = mono();
        reject(new Error(`closed: ${session.text.slice(-200)}`));
      });
    });
  });
}

/** Opens as many sessions for each user as `users` says, on one connection each, `width` connections at a time. */
export async function openMany(contender, keys, users, width = 6) {
  const found = await pooled([...keys], width, async ([user, key]) => {
    const client = await connected(contender, user, key);
    const sessions = [];
    for (let i = 0; i < users.get(user); i++) sessions.push(Object.assign(await shellOf(client), { user }));
    return sessions;
  });
  return found.flat();
}
