/** The real client, with nothing of the person's own configuration. */
import { spawn } from 'node:child_process';

export function sshArguments(contender, { user = contender.user, keyFile, options: more = {} }) {
  const options = {
    UserKnownHostsFile: '/dev/null',
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: 'no',
    LogLevel: 'ERROR',
    IdentitiesOnly: 'yes',
    IdentityAgent: 'none',
    PreferredAuthentications: 'publickey',
    ControlPath: 'none',
    ...more,
  };
  const flags = Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  return ['-F', '/dev/null', '-tt', '-p', String(contender.port), '-i', keyFile, ...flags, `${user}@127.0.0.1`];
}

export const startSsh = (contender, login, stdio) =>
  spawn('ssh', sshArguments(contender, login), {
    stdio,
    env: { PATH: process.env.PATH, TERM: 'xterm', LANG: 'C.UTF-8' },
  });
