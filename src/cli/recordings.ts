import type { Command } from 'commander';
import type { RecordingView } from '../control/streams.js';
import { formatDuration, parseDuration } from '../core/duration.js';
import { SallyportError } from '../core/errors.js';
import type { FindFilter } from '../record/types.js';
import { notYet } from './later.js';
import { clock, now } from './now.js';
import { type Globals, show } from './output.js';
import { table } from './table.js';
import { localTime, parseLength, parsePast } from './when.js';

interface FindOptions extends Globals {
  user?: string;
  target?: string;
  since?: string;
  until?: string;
  command?: string;
  text?: string;
}

export function addRecordings(program: Command): void {
  program
    .command('recordings')
    .description('find recorded sessions')
    .option('--user <user>')
    .option('--target <target>')
    .option('--since <time>', 'started since then: a time, or how long ago: 2h')
    .option('--until <time>', 'started before then')
    .option('--command <text>', 'in a typed line, a refused command or an exec')
    .option('--text <text>', 'what was shown (not in this version)')
    .action(async (_o: object, command: Command) => {
      const options = command.optsWithGlobals<FindOptions>();
      if (options.text !== undefined) throw notYet('recordings --text');
      const filter = filterOf(options);
      const { placeOf } = await import('./place.js');
      const { listRecordings } = await import('./recordings-read.js');
      const found = await listRecordings(placeOf(options), filter);
      const header = ['SESSION', 'STARTED', 'LASTED', 'USER', 'TARGET', 'KIND', 'END', 'COMMAND'];
      show(options, found, (list) => table(header, list.map(recordingRow), 'no recordings'));
    });
  addReplay(program);
}

function filterOf({ user, target, since, until, command }: FindOptions): FindFilter {
  return {
    ...(user !== undefined && { user }),
    ...(target !== undefined && { target }),
    ...(since !== undefined && { since: parsePast('--since', since, now()) }),
    ...(until !== undefined && { until: parsePast('--until', until, now()) }),
    ...(command !== undefined && { command }),
  };
}

function recordingRow(r: RecordingView): string[] {
  const started = localTime(Date.parse(r.startedAt));
  return [r.id, started, formatDuration(r.lengthMs), r.user, r.target, r.kind, r.cause ?? 'open', r.command ?? ''];
}

interface ReplayCommand extends Globals {
  speed?: string;
  idleLimit?: string;
  at?: string;
  markers?: boolean;
  follow?: boolean;
}

function addReplay(program: Command): void {
  program
    .command('replay')
    .description('play a recording in this terminal, safely')
    .argument('<session>', 'its id, or the beginning of it')
    .option('--speed <n>', 'this many times as fast')
    .option('--idle-limit <seconds>', 'pauses are no longer than this')
    .option('--at <offset-or-command>', 'start there: 90s, 5m, 1:30, or part of a typed line')
    .option('--markers', 'show typed lines and refusals as lines of their own')
    .option('--follow', 'follow a live session (not in this version)')
    .action(async (id: string, _o: object, command: Command) => {
      const options = command.optsWithGlobals<ReplayCommand>();
      if (options.follow) throw notYet('replay --follow');
      const { speed, idleLimit, at, markers = false } = options;
      const how = {
        ...(speed !== undefined && { speed: positive('--speed', speed) }),
        ...(idleLimit !== undefined && { idleLimitMs: seconds('--idle-limit', idleLimit) }),
        ...(at !== undefined && { at: offset(at) }),
      };
      const { placeOf } = await import('./place.js');
      const { replayRecording } = await import('./replay.js');
      await replayRecording(placeOf(options), id, { ...how, clock, markers, json: options.json ?? false });
    });
}

function positive(option: string, text: string): number {
  const n = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || !(n > 0))
    throw new SallyportError('usage', `${option} ${text}: not a number above 0`);
  return n;
}

/** Plain numbers are seconds, as in asciinema. */
function seconds(option: string, text: string): number {
  return /^\d*\.?\d+$/.test(text) ? Number(text) * 1000 : parseLength(option, text);
}

/** `90`, `90s`, `1:30`, `1:02:30` are offsets in ms; anything else is looked for among what was typed. */
function offset(text: string): number | string {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const clockLike = /^(?:(\d+):)?(\d{1,2}):(\d{2})$/.exec(text);
  if (clockLike) {
    const [hours = 0, minutes = 0, secs = 0] = clockLike.slice(1).map((n) => Number(n ?? 0));
    return ((hours * 60 + minutes) * 60 + secs) * 1000;
  }
  return parseDuration(text) ?? text;
}
