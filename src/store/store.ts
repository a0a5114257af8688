import { readdir } from 'node:fs/promises';
import { Low } from 'lowdb';
import { messageOf, SallyportError } from '../core/errors.js';
import { durableAdapter, previousFile, storeFile } from './adapter.js';
import { ownDirectory, tighten } from './files.js';
import { takeHomeLock } from './home-lock.js';
import { finishRestore } from './restore.js';
import { deepFreeze, EMPTY } from './schema.js';
import type { Store, StoreData } from './types.js';

export interface OpenStoreOptions {
  /** Make an empty store; refused where there is, or was, one. */
  create?: boolean;
  /** What a second process is told holds the home: `sallyport serve`. */
  purpose?: string;
}

/**
 * Takes the home's lock and reads the store. Throws a SallyportError when another holds the home, and when the store is
 * missing, damaged or empty: it is then left as it is, and never replaced by a new one.
 */
export async function openStore(stateDir: string, options: OpenStoreOptions = {}): Promise<Store> {
  const owner = await ownDirectory(stateDir, options.create);
  const lock = takeHomeLock(stateDir, owner, options.purpose ?? 'sallyport');
  try {
    await finishRestore(stateDir, owner);
    const low = new Low<StoreData>(durableAdapter(stateDir, owner), EMPTY);
    if (options.create) await create(stateDir, low);
    for (const file of [storeFile(stateDir), previousFile(stateDir)]) await tighten(file);
    await low.read();
    return new LowStore(low, () => lock.release());
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function create(stateDir: string, low: Low<StoreData>): Promise<void> {
  const used = new Set(await readdir(stateDir));
  for (const name of ['store.json', 'store.json.bak', 'audit.log'])
    if (used.has(name)) throw new SallyportError('failed', `${stateDir}: holds ${name} already: nothing was changed`);
  await low.write();
}

interface Waiting {
  resolve: () => void;
  reject: (error: Error) => void;
}

/** One write at a time; commits made during a write share the next one. */
class LowStore implements Store {
  readonly #low: Low<StoreData>;
  readonly #release: () => void;
  readonly #listeners = new Set<(data: StoreData) => void>();
  /** What the file is known to hold. */
  #durable: StoreData;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #problem: string | undefined;
  #closed = false;

  constructor(low: Low<StoreData>, release: () => void) {
    this.#low = low;
    this.#durable = low.data;
    this.#release = release;
  }

  get data(): StoreData {
    return this.#low.data;
  }

  commit(next: StoreData): Promise<void> {
    if (this.#closed) return Promise.reject(new SallyportError('failed', 'the store is closed'));
    this.#low.data = deepFreeze(next);
    const done = new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.#writing ??= this.#writeAll();
    return done;
  }

  onRollback(fn: (data: StoreData) => void): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  problem(): string | undefined {
    return this.#problem;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#writing;
    this.#release();
  }

  async #writeAll(): Promise<void> {
    // Commits of one tick share the first write as well.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      const data = this.#low.data;
      this.#waiting = [];
      try {
        await this.#low.write();
        this.#durable = data;
        this.#problem = undefined;
        for (const { resolve } of batch) resolve();
      } catch (error) {
        this.#takeBack(batch, error);
      }
    }
    this.#writing = undefined;
  }

  /** lowdb keeps in memory what it could not write; here memory goes back, and with it what was built upon it. */
  #takeBack(batch: Waiting[], error: unknown): void {
    const failed = [...batch, ...this.#waiting];
    this.#waiting = [];
    this.#low.data = this.#durable;
    this.#problem = messageOf(error);
    const words = new SallyportError('failed', `the store could not be written, nothing was changed: ${this.#problem}`);
    // Rejections arrive a microtask later: whoever waits sees memory as it was before.
    for (const { reject } of failed) reject(words);
    for (const fn of this.#listeners) fn(this.#durable);
  }
}
