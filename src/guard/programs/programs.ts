import { libcKill } from '../../os/libc.js';
import { type DoorToGuard, type GuardToDoor, MAX_IMAGES } from '../../wire/guard.js';
import { ORPHAN } from '../tracer/tasks.js';
import type { Tracer } from '../tracer/tracer.js';
import { holdsTerminal } from './proc.js';
import { treeOf } from './tree.js';

type EndOrder = Extract<DoorToGuard, { type: 'end-images' }>;
type TreeOrder = Extract<DoorToGuard, { type: 'tree' }>;

/** The programs that run in sessions, by the question each was approved with. */
export interface Programs {
  /** A question went out: its number may become an image. */
  asked(q: number, sid: string): void;
  /** Kills what runs these images; answered when nothing does. */
  end(order: EndOrder): void;
  /** After reports were handled: kills what was forked meanwhile, answers the orders that are done. */
  settle(): void;
  /** Tells which images are over. */
  sweep(): void;
  tree(order: TreeOrder): Promise<void>;
}

type ProgramTracer = Pick<Tracer, 'tasks' | 'adoptOrphans'>;

interface Order {
  sid: string;
  n: number;
  doomed: ReadonlySet<number>;
  /** Threads told to die. */
  told: Set<number>;
  killed: Set<number>;
  front: boolean;
}

const SIGKILL = 9;
/** Processes of one order looked at for whether they hold the terminal. */
const MAX_LOOKS = 64;

export function createPrograms(tracer: ProgramTracer, door: (message: GuardToDoor) => void): Programs {
  const { tasks, adoptOrphans } = tracer;
  /** Questions that may be images, and their sessions. What is looked through a few times a second stays small. */
  const known = new Map<number, string>();
  let orders: Order[] = [];

  /** Kills what is left of an order; true when nothing was. */
  const press = (order: Order): boolean => {
    let left = false;
    for (const task of tasks.values()) {
      const { id } = task.image;
      if (task.session.sid !== order.sid || !(order.doomed.has(id) || id === ORPHAN.id)) continue;
      left = true;
      if (order.told.has(task.tid)) continue;
      if (!order.front && order.told.size < MAX_LOOKS) order.front = holdsTerminal(task.tid);
      order.told.add(task.tid);
      if (id !== ORPHAN.id) order.killed.add(id);
      libcKill(task.tid, SIGKILL);
    }
    return !left;
  };

  const settle = () => {
    if (orders.length === 0) return;
    adoptOrphans();
    orders = orders.filter((order) => {
      if (!press(order)) return true;
      const { sid, n, killed, front } = order;
      door({ type: 'images-ended', sid, n, images: [...killed], front });
      return false;
    });
  };

  return {
    asked: (q, sid) => void known.set(q, sid),
    end({ sid, n, images }) {
      const doomed = new Set(images);
      for (const task of tasks.values()) {
        if (task.session.sid !== sid) continue;
        task.session.programsEnded = true;
        if (task.approved && doomed.has(task.approved.image.id)) task.approved = { ...task.approved, revoked: true };
      }
      orders.push({ sid, n, doomed, told: new Set(), killed: new Set(), front: false });
      settle();
    },
    settle,
    sweep() {
      adoptOrphans();
      if (known.size === 0) return;
      const inUse = new Set<number>();
      for (const { image, approved, pending } of tasks.values()) {
        inUse.add(image.id);
        if (approved) inUse.add(approved.image.id);
        if (pending) inUse.add(pending.image);
      }
      for (const [sid, images] of leave(known, inUse)) door({ type: 'over', sid, images });
    },
    async tree({ sid, n }) {
      const { processes, more } = await treeOf(tasks, sid);
      door({ type: 'tree', sid, n, processes, more });
    },
  };
}

/** Takes out of `known` what is not in use, by session. */
function leave(known: Map<number, string>, inUse: ReadonlySet<number>): Map<string, number[]> {
  const over = new Map<string, number[]>();
  for (const [image, sid] of known) {
    const list = over.get(sid) ?? [];
    if (inUse.has(image) || list.length === MAX_IMAGES) continue;
    known.delete(image);
    list.push(image);
    over.set(sid, list);
  }
  return over;
}
