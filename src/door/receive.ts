import type { Clock } from '../core/clock.js';
import { openLineGate } from '../gate/index.js';
import { closeFd } from '../os/fd.js';
import { recvFds } from '../os/lane.js';
import { openMaster, openPipes } from '../pty/index.js';
import { createRecorder, type RecordingHeader } from '../record/index.js';
import type { ProgramPort, Started } from '../session/index.js';
import type { FdName, GuardToDoor } from '../wire/guard.js';
import type { Admitted, PtySize } from '../wire/types.js';

type StartedMessage = Extract<GuardToDoor, { type: 'started' }>;

/** What the recording's first line says; made when the session begins. */
export type HeaderOf = () => RecordingHeader;

/**
 * Takes a session's descriptors off the lane and gives each to its part. Throws when they are not what the message
 * says; whatever was received is then closed.
 */
export function receiveStarted(message: StartedMessage, lane: number, clock: Clock, header: HeaderOf): Started {
  const fds = recvFds(lane, message.token);
  try {
    const named = byName(message.names, fds);
    const recording = need(named, 'recording');
    const program = openProgram(named);
    const lineQ = named.get('lineQ');
    const lineA = named.get('lineA');
    return {
      program,
      record: (onFailure) => createRecorder({ fd: recording, header: header(), clock, onFailure }),
      ...(lineQ === undefined || lineA === undefined
        ? {}
        : { openLineGate: (hooks) => openLineGate({ ...hooks, qFd: lineQ, aFd: lineA, clock }) }),
      discard() {
        program.close();
        for (const fd of [recording, lineQ, lineA]) if (fd !== undefined) closeFd(fd);
      },
    };
  } catch (error) {
    for (const fd of fds) closeFd(fd);
    throw error;
  }
}

function byName(names: readonly FdName[], fds: readonly number[]): Map<FdName, number> {
  if (names.length !== fds.length) throw new Error(`${fds.length} descriptors under ${names.length} names`);
  return new Map(names.map((name, i) => [name, fds[i] as number]));
}

function openProgram(named: Map<FdName, number>): ProgramPort {
  const master = named.get('master');
  if (master !== undefined) return openMaster(master);
  return openPipes({ stdin: need(named, 'stdin'), stdout: need(named, 'stdout'), stderr: need(named, 'stderr') });
}

function need(named: Map<FdName, number>, name: FdName): number {
  const fd = named.get(name);
  if (fd === undefined) throw new Error(`no ${name} among the descriptors`);
  return fd;
}

const NO_TERMINAL = { cols: 80, rows: 24 };

/** Throws for a session nobody admitted: there is nothing to record then. */
export function recordingHeader(admitted: Admitted | undefined, pty: PtySize | undefined): RecordingHeader {
  if (!admitted) throw new Error('no such session');
  const { id, user, account, target, source, kind, command, term, shell, startedAt } = admitted;
  const { cols, rows } = pty ?? NO_TERMINAL;
  return {
    width: cols,
    height: rows,
    startedAt,
    session: id,
    user,
    account,
    target,
    source,
    kind,
    pty: pty !== undefined,
    shell,
    ...(command === undefined ? {} : { command }),
    ...(term === undefined ? {} : { term }),
  };
}
