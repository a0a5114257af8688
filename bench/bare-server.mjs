/**
 * The least one can write with ssh2 and node-pty: no policy, no recording, no isolation. The yardstick of what the
 * platform itself costs. Arguments: port, host key file, public key file, home of the shells, their uid.
 */
import { readFileSync } from 'node:fs';
import pty from 'node-pty';
import ssh2 from 'ssh2';

const [port, hostKeyFile, publicKeyFile, home, uid] = process.argv.slice(2);
const allowed = ssh2.utils.parseKey(readFileSync(publicKeyFile));
const env = { HOME: home, USER: 'nobody', SHELL: '/bin/bash', TERM: 'xterm', LANG: 'C.UTF-8', PATH: '/usr/bin:/bin' };
const owner = process.getuid() === 0 ? { uid: Number(uid), gid: Number(uid) } : {};

const server = new ssh2.Server({ hostKeys: [readFileSync(hostKeyFile)] }, (client) => {
  client.on('ready', () => client.setNoDelay(true));
  client.on('error', () => {});
  client.on('authentication', (ctx) => {
    if (ctx.method !== 'publickey' || !ctx.key.data.equals(allowed.getPublicSSH())) return ctx.reject(['publickey']);
    if (ctx.signature && allowed.verify(ctx.blob, ctx.signature, ctx.hashAlgo) !== true) return ctx.reject();
    ctx.accept();
  });
  client.on('session', (accept) => {
    const session = accept();
    let size = { cols: 80, rows: 24 };
    session.on('env', (ok) => ok?.());
    session.on('pty', (ok, _no, info) => {
      size = { cols: info.cols || 80, rows: info.rows || 24 };
      ok?.();
    });
    session.on('shell', (ok) => runShell(ok(), size));
  });
});
server.listen(Number(port), '127.0.0.1');

function runShell(channel, size) {
  const shell = pty.spawn('/bin/bash', ['-l'], { ...size, ...owner, name: 'xterm', cwd: home, env, encoding: null });
  shell.onData((data) => {
    if (channel.write(data)) return;
    shell.pause();
    channel.once('drain', () => shell.resume());
  });
  channel.on('data', (data) => shell.write(data));
  channel.on('error', () => {});
  channel.on('close', () => {
    try {
      shell.kill('SIGHUP');
    } catch {}
  });
  shell.onExit(({ exitCode }) => {
    channel.exit(exitCode);
    channel.end();
  });
}
