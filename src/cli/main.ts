/** The `sallyport` command: reads arguments, runs one command, and ends with its exit code. */
import { Command, CommanderError } from 'commander';
import { VERSION } from '../control/version.js';
import { SallyportError } from '../core/errors.js';
import { addAudit } from './audit.js';
import { addBackup } from './backup.js';
import { addContext } from './context.js';
import { addDoctor } from './doctor.js';
import { addGrants } from './grants.js';
import { addInit } from './init.js';
import { addLater } from './later.js';
import { addLocks } from './locks.js';
import { addOneself } from './oneself.js';
import { reportError } from './output.js';
import { refuseOverSsh, rejoined } from './over-ssh.js';
import { addPolicy } from './policy.js';
import { addRecordings } from './recordings.js';
import { addRequests } from './requests.js';
import { addServe } from './serve.js';
import { addSessions } from './sessions.js';
import { addStatus } from './status.js';
import { addUsers } from './users.js';
import { addWatch } from './watch.js';

const FAMILIES = [
  addInit,
  addServe,
  addDoctor,
  addStatus,
  addUsers,
  addGrants,
  addRequests,
  addLocks,
  addContext,
  addSessions,
  addWatch,
  addPolicy,
  addRecordings,
  addAudit,
  addOneself,
  addBackup,
  addLater,
];

function buildProgram(): Command {
  const program = new Command('sallyport')
    .description('An SSH bastion that decides access for as long as the door is open')
    .version(VERSION, '--version', 'print the version')
    .option('--home <dir>', "the broker's home (default: $SALLYPORT_HOME, /etc/sallyport, or here)")
    .option('--json', 'one JSON value on stdout, or one a line for streams');
  for (const add of FAMILIES) add(program);
  program.hook('preAction', (_program, command) => refuseOverSsh(command));
  configure(program);
  return program;
}

function configure(command: Command): void {
  command
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .configureHelp({ showGlobalOptions: true });
  for (const child of command.commands) configure(child);
}

/** Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 refused, 5 broker not reachable. */
async function main(argv: readonly string[]): Promise<number> {
  const error = await run(argv);
  // Nothing was done: what is wrong with the words is found before.
  const again = error instanceof CommanderError && error.code === EXCESS ? rejoined(argv) : undefined;
  return exitCodeOf(again ? await run(again) : error);
}

const EXCESS = 'commander.excessArguments';

async function run(argv: readonly string[]): Promise<unknown> {
  try {
    await buildProgram().parseAsync([...argv], { from: 'user' });
    return undefined;
  } catch (error) {
    return error;
  }
}

function exitCodeOf(error: unknown): number {
  if (error === undefined) return Number(process.exitCode ?? 0);
  if (!(error instanceof CommanderError)) return reportError(error);
  if (error.exitCode === 0) return 0;
  return reportError(new SallyportError('usage', usageText(error)));
}

/** Help asked for by leaving out a subcommand ends here too, with nothing printed yet. */
function usageText(error: CommanderError): string {
  const text = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  return text === '(outputHelp)' ? 'a command is missing; `sallyport --help` lists them' : `${text}; see --help`;
}

// A reader that went away (`sallyport audit | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await main(process.argv.slice(2));
