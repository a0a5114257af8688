import type { CgroupLimits } from '../../os/cgroup.js';
import { limitOf, oomScore, Resource, setLimit, setNice, setOomScore } from '../../os/limits.js';
import type { LaunchLimits } from '../../wire/guard.js';

/** Soft limit of open files a session starts with: some programs loop over all they may have. */
const USUAL_FILES = 1024;
/** From SIGXCPU, at the soft limit, to SIGKILL, s. */
const CPU_GRACE = 5;
/** How much sooner than the broker a session is ended when the machine runs out of memory. */
const OOM_MORE = 300;
const OOM_MOST = 1000;

/** Gives the isolating program, before it begins, what everything in the session inherits. Hard limits are not the account's to raise. */
export function limitProcess(pid: number, limits: LaunchLimits): void {
  const { memory, openFiles, cpuSeconds, fileSize, core, nice } = limits;
  // Where there is no limit the broker's own hard one stays: it may have been set by the machine's admin.
  const files = openFiles ?? limitOf(pid, Resource.openFiles).hard;
  setLimit(pid, Resource.openFiles, Math.min(USUAL_FILES, files), files);
  if (memory !== undefined) setLimit(pid, Resource.data, memory, memory);
  if (cpuSeconds !== undefined) setLimit(pid, Resource.cpu, cpuSeconds, cpuSeconds + CPU_GRACE);
  if (fileSize !== undefined) setLimit(pid, Resource.fileSize, fileSize, fileSize);
  if (core !== undefined) setLimit(pid, Resource.core, core, core);
  if (nice > 0) setNice(pid, nice);
  setOomScore(pid, Math.min(OOM_MOST, oomScore() + OOM_MORE));
}

/**
 * The kernel's own count of processes, which is per account, or per user namespace where there is one. In a namespace of
 * the session's own it stands behind the guard's count, and alone where nothing is traced; an account's sessions share
 * it, so there it is used only when nothing else counts.
 */
export function limitProcesses(init: number, limits: LaunchLimits, use: { namespace: boolean; traced: boolean }): void {
  const { processes } = limits;
  if (processes === undefined || (use.traced && !use.namespace)) return;
  const most = processes + LAUNCHERS + (use.traced ? slackOf(processes) : 0);
  setLimit(init, Resource.processes, most, most);
}

/**
 * Of a session together, where the machine has cgroup v2: the kernel counts zombies, too, and no process passes the
 * limit even for a moment. The guard counts still, for one line to the engineer.
 */
export const cgroupLimits = ({ processes, memory, nice }: LaunchLimits): CgroupLimits => ({
  processes: processes === undefined ? undefined : processes + LAUNCHERS + slackOf(processes),
  memory,
  nice,
});

/** The isolating programs of a session are not the engineer's, and count with the kernel. */
const LAUNCHERS = 2;

/** How far threads may go beyond the limit before their process ends. */
export const slackOf = (processes: number): number => 8 + Math.ceil(processes / 8);
