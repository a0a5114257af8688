import type { Command } from 'commander';
import { renderUnicodeCompact } from 'uqr';
import type { Reply } from '../control/admin-port.js';
import { escapeText } from '../core/escape.js';
import { effectLines } from './effects.js';
import { type Globals, show } from './output.js';

export function addFactors(user: Command): void {
  const mfa = user.command('mfa').description('second factor');
  mfa
    .command('enroll')
    .description('give a user a second factor (TOTP): a QR code and recovery codes, shown once')
    .argument('<name>')
    .option('--reason <text>', 'why; kept in the audit log')
    .action(async (name: string, _o: object, command: Command) => {
      const options = command.optsWithGlobals<Globals & { reason?: string }>();
      const { ask } = await import('./ask.js');
      const reply = await ask(options, 'user.mfa-enroll', { name, ...(options.reason && { reason: options.reason }) });
      show(options, reply, enrolmentLines);
    });
  mfa
    .command('remove')
    .description('take the second factor away')
    .argument('<name>')
    .option('--reason <text>', 'why; kept in the audit log')
    .action(async (name: string, _o: object, command: Command) => {
      const options = command.optsWithGlobals<Globals & { reason?: string }>();
      const { ask } = await import('./ask.js');
      const reply = await ask(options, 'user.mfa-remove', { name, ...(options.reason && { reason: options.reason }) });
      show(options, reply, ({ effects }) => [`${name} has no second factor any more`, ...effectLines(effects)]);
    });
}

function enrolmentLines({ name, uri, recoveryCodes, effects }: Reply<'user.mfa-enroll'>): string[] {
  const secret = new URL(uri).searchParams.get('secret') ?? '';
  return [
    ...renderUnicodeCompact(uri).split('\n'),
    '',
    `${name} scans this with an authenticator, or types the secret ${escapeText(secret)}`,
    '',
    'recovery codes, each good once; they and the secret are not shown again:',
    ...recoveryCodes.map((code) => `  ${escapeText(code)}`),
    ...effectLines(effects),
  ];
}
