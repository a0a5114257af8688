/**
 * Keeps a session within its number of processes, exactly: the tracer stops at every fork. A newborn too many is
 * killed, and its parent can fork no more until there is room again: the kernel then says no (EAGAIN) without us, so a
 * fork bomb costs the guard one report a process. Where the guard may not set limits of an account's processes (a root
 * without CAP_SYS_RESOURCE, as in many containers) the parent is held back instead. Zombies count, though no report
 * tells of their end: they hold numbers that every session shares.
 */
export interface Census {
  /**
   * A task of the session began, stopped still; `parent` is stopped, too, or 0 when it is gone. True when the parent
   * is to stay stopped until the next `relax`.
   */
  born(tid: number, parent: number, thread: boolean): boolean;
  died(tid: number): void;
  /** Takes caps off again where there is room. Cheap when there are none. */
  relax(): void;
  /** Processes and zombies, as far as known: never too few. */
  count(): number;
}

export interface CensusOptions {
  limit: number;
  /** How far threads may go beyond it before their process ends. */
  slack: number;
  /** Tasks alive, all of them counted in `limit`. */
  alive(): number;
  /** True when `tid` is a live task again, of any session. */
  isTask(tid: number): boolean;
  /** Called at the first newborn turned away. */
  full(): void;
  system: ProcessSystem;
}

/** What is asked of the kernel. */
export interface ProcessSystem {
  kill(tid: number): void;
  /** False when the number is free. */
  exists(tid: number): boolean;
  /** As `exists`, slower, and not taken in by a number that was given away again. */
  isZombie(tid: number): boolean;
  /** The process a thread belongs to. */
  processOf(tid: number): number;
  /** Lets a process fork no more; what `uncap` takes, or undefined when it is gone. */
  cap(pid: number): number | undefined;
  uncap(pid: number, before: number): void;
}

/**
 * Newborns of one process turned away before it is killed itself: it takes its cap off again, or does not wait for its
 * children. Far beyond the limit the second is enough.
 */
const MAX_TURNED_AWAY = 8;
/** The share of the limit that must be free before a cap is taken off. */
const ROOM = 1 / 8;
/** The dead are looked through when there are this many, and then when they have doubled. */
const LOOK_AT = 1024;

/** A process that was to fork no more: its limit before, where it could be changed, and how often it tried since. */
interface Full {
  before: number | undefined;
  turnedAway: number;
}

export function createCensus(options: CensusOptions): Census {
  const { limit, slack, alive, isTask, full, system } = options;
  /** Ended, and perhaps not yet waited for by their parents. */
  const dead = new Set<number>();
  const capped = new Map<number, Full>();
  const count = () => alive() + dead.size;
  let told = false;
  let lookAt = LOOK_AT;

  const forgetReaped = () => {
    for (const tid of dead) if (isTask(tid) || !system.exists(tid)) dead.delete(tid);
    lookAt = Math.max(LOOK_AT, 2 * dead.size);
  };

  /** True when there are more than `most`, looked at as closely as it takes. */
  const exceeds = (most: number): boolean => {
    if (count() <= most) return false;
    forgetReaped();
    return count() > most;
  };

  /** Lets the process of `parent` fork no more, if it may be done. */
  const cap = (parent: number): Full => {
    const pid = system.processOf(parent);
    const known = capped.get(pid) ?? { before: system.cap(pid), turnedAway: 0 };
    known.turnedAway += 1;
    capped.set(pid, known);
    return known;
  };

  const turnAway = (tid: number, parent: number, thread: boolean): boolean => {
    if (!told) full();
    told = true;
    const far = exceeds(limit + slack);
    // A thread cannot be ended alone: those begun before the cap are let in, up to the slack.
    const kill = !thread || far;
    if (kill) system.kill(tid);
    if (parent === 0) return false;
    const { before, turnedAway } = cap(parent);
    const end = turnedAway > MAX_TURNED_AWAY || (far && turnedAway > 1);
    if (end) system.kill(parent);
    return before === undefined && !end;
  };

  return {
    count,
    born(tid, parent, thread) {
      dead.delete(tid);
      return exceeds(limit) && turnAway(tid, parent, thread);
    },
    died(tid) {
      capped.delete(tid);
      dead.add(tid);
      if (dead.size >= lookAt) forgetReaped();
    },
    relax() {
      if (capped.size === 0) return;
      forgetReaped();
      for (const tid of dead) if (!system.isZombie(tid)) dead.delete(tid);
      if (count() > limit - Math.ceil(limit * ROOM)) return;
      for (const [pid, { before }] of capped) if (before !== undefined) system.uncap(pid, before);
      capped.clear();
    },
  };
}
