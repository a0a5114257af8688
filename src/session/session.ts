import type { EndCause } from '../core/causes.js';
import { ENDED_STATUS } from '../core/causes.js';
import type { Clock } from '../core/clock.js';
import { within } from '../core/clock.js';
import { escapeText } from '../core/escape.js';
import type { LineGate, Lookup } from '../gate/index.js';
import { noteMarker, type Recorder } from '../record/index.js';
import type { ExecAsk, TreeProcess } from '../wire/guard.js';
import type { Admitted, Answered, Deadlines, ProcessInfo, PtySize, RightsUpdate } from '../wire/types.js';
import { createAdvice } from './advice.js';
import { bannerText } from './banner.js';
import { type Bursts, createBursts } from './bursts.js';
import { type SessionDeadlines, startDeadlines } from './deadlines.js';
import { answerExec, type ExecGateParts } from './exec-gate.js';
import { type GuardNote, recordNote } from './guard-notes.js';
import { createAsking, type Held } from './held/index.js';
import { createInputClassifier } from './idle-input.js';
import { createJournal, type Journal } from './journal.js';
import { createLife, type Ending, type ExitStatus, type Life } from './life.js';
import { type LineGateOpener, lineGateHooks } from './line-gate.js';
import { type LiveRights, SESSION_QUESTION } from './live-rights.js';
import type { ClientPort, ProgramPort, SupervisorPort } from './ports.js';
import { describeProcess } from './process-tree.js';
import { createPrograms, type Occasion, type Programs } from './programs.js';
import { createOutput, type Output, pumpInput } from './pumps.js';
import { createRefusalFilter } from './refusals.js';
import { createRightsNews, type RightsNews } from './rights-news.js';
import { createScreen, noticeStream, type Screen } from './screen.js';
import { createTimeEdges, type TimeEdges, whatEnded } from './time-edges.js';
import { createVoice, type Voice } from './voice.js';
import type { Wheel } from './wheel.js';

/** How long the end of every process may take before the session goes on without the proof; the keeper kills sooner. */
const GONE_WAIT_MS = 3_000;
/**
 * What a client gets to take its last bytes after being shown out, and after leaving by itself: nothing waits for it but
 * its own connection, and on a machine under load a second was too short to hear why. Unit: ms.
 */
const LAST_WORDS_MS = 5_000;
const FAREWELL_MS = 30_000;

/** Questions that came in the same breath as the launch; a launcher asks none, its shell one at a time. */
const MAX_EARLY = 16;

/** What the guard handed over for one session. */
export interface Started {
  program: ProgramPort;
  /** Opens the recording; `onFailure` ends the session. */
  record(onFailure: (error: Error) => void): Recorder;
  /** Present when the shell is one the line gate knows. */
  openLineGate?: LineGateOpener;
  /** Closes every descriptor of a session that will not run. */
  discard(): void;
}

export interface SessionSetup {
  admitted: Admitted;
  pty: PtySize | undefined;
  client: ClientPort;
  clock: Clock;
  /** Shared by all sessions of the process. */
  wheel: Wheel;
  rights: LiveRights;
  /** Finds programs for the line gate. */
  lookup: Lookup;
  supervisor: SupervisorPort;
  /** Why what it was admitted for may not begin under the rights of now; asked when they change before it has begun. */
  barred?(): string | undefined;
  /** Has the session launched; rejects with what to tell the engineer. */
  start(): Promise<Started>;
}

export interface SessionEnd {
  cause: EndCause;
  /** `0`, `130`, `SIGKILL`, … or empty where there was none. */
  status: string;
  commands: number;
  denied: number;
  reason?: string;
}

/** A live session as its door sees it. */
export interface Session {
  readonly id: string;
  ask(ask: ExecAsk): void;
  exited(status: ExitStatus): void;
  notice(text: string): void;
  /** Somebody watches, or does not any more: for the recording, and for the engineer where they are told. */
  watched(words: Watched): void;
  /** The guard keeps the process of a question waiting; or that process is gone. */
  kept(q: number, front: boolean): void;
  lost(q: number): void;
  /** What was said of a request for an approval. */
  answered(answer: Answered): void;
  /** The guard refused or killed something by itself: shown and recorded like any refusal. */
  note(note: GuardNote): void;
  end(cause: EndCause, reason?: string): void;
  /** The guard has news of programs: these are over. */
  programsOver(images: readonly number[]): void;
  /** The guard has carried out an order to end programs. */
  programsEnded(n: number, images: readonly number[], front: boolean): void;
  /** Resolves when nothing runs without a right any more. */
  applyRights(data: RightsUpdate, version: number, deadlines: Deadlines, occasion: Occasion): Promise<Applied>;
  describe(process: TreeProcess): ProcessInfo;
  lastInputAt(): number;
  /** Every process is gone and the recording is closed. Never rejects. */
  readonly ended: Promise<SessionEnd>;
}

/** What is written into the recording, and what is said. */
export interface Watched {
  note?: string | undefined;
  say?: string | undefined;
}

/** Whether the session lives on under new rights, and how many of its programs ended for them. */
export type Applied = { outcome: 'changed' | 'ended'; programs: number };

/** Everything of a session that was launched. */
interface Running {
  started: Started;
  recorder: Recorder;
  journal: Journal;
  screen: Screen;
  output: Output;
  voice: Voice;
  bursts: Bursts;
  deadlines: SessionDeadlines;
  edges: TimeEdges;
  lineGate: LineGate | undefined;
  programs: Programs;
  news: RightsNews;
  exec: ExecGateParts;
  held: Held;
  notice(text: string): void;
  watched(words: Watched): void;
}

/** Runs a session from its admission to its end. */
export function openSession(setup: SessionSetup): Session {
  const { admitted, clock, rights } = setup;
  const life = createLife();
  let running: Running | undefined;
  let terms = admitted.deadlines;
  const early: ExecAsk[] = [];
  const ended = run(setup, life, (r) => {
    running = r;
    // A change of rights may have come while the session was started.
    r.deadlines.update(terms);
    for (const ask of early.splice(0)) answerExec(ask, r.exec);
  });
  setup.client.onClose(() => life.end({ cause: 'disconnected' }));
  return {
    id: admitted.id,
    ask(ask) {
      if (running) answerExec(ask, running.exec);
      else if (early.length < MAX_EARLY && life.ending === undefined) early.push(ask);
      else setup.supervisor.verdict(ask.q, false, 'none');
    },
    exited: (status) => void life.end({ cause: 'exit', status }),
    notice: (text) => running?.notice(text),
    watched: (words) => running?.watched(words),
    kept: (q, front) => running?.exec.execs.held(q, front),
    lost: (q) => running?.exec.execs.lost(q),
    answered: (answer) => running?.held.answered(answer),
    note(note) {
      if (running) recordNote(note, running.exec);
    },
    end: (cause, reason) => void life.end({ cause, ...(reason === undefined ? {} : { reason }) }),
    programsOver: (images) => running?.programs.over(images),
    programsEnded: (n, images, front) => running?.programs.ended(n, images, front),
    async applyRights(data, version, deadlines, occasion) {
      const isNewest = await rights.replace(data, version);
      if (life.ending !== undefined) return { outcome: 'ended', programs: 0 };
      if (isNewest) {
        terms = deadlines;
        running?.deadlines.update(deadlines);
      }
      running?.edges.replaced();
      const barred = running ? undefined : setup.barred?.();
      if (barred !== undefined) life.end({ cause: occasion.cause, reason: barred });
      else if (!rights.decide(SESSION_QUESTION, clock.now()).allow) life.end({ cause: occasion.cause });
      else {
        running?.news.replaced(running.held.proving);
        running?.held.again();
        running?.exec.execs.again();
      }
      const programs = (await running?.programs.again(occasion)) ?? 0;
      return { outcome: life.ending === undefined ? 'changed' : 'ended', programs };
    },
    describe: (process) => describeProcess(process, running?.programs.get(process.image), admitted),
    lastInputAt: () => running?.deadlines.lastInputAt() ?? admitted.startedAt,
    ended,
  };
}

async function run(setup: SessionSetup, life: Life, ready: (r: Running) => void): Promise<SessionEnd> {
  let running: Running | undefined;
  let failed = false;
  try {
    const started = await setup.start();
    running = assemble(setup, life, started);
    ready(running);
    greet(setup, running);
    await life.over;
  } catch (error) {
    failed = true;
    refuseStart(setup, life, error);
  }
  const ending = await life.over;
  if (running) await tearDown(setup, running, ending);
  else setup.supervisor.end();
  void farewell(setup, ending, failed);
  return summary(ending, running?.journal);
}

function assemble(setup: SessionSetup, life: Life, started: Started): Running {
  const { admitted, client, clock, rights, supervisor } = setup;
  const pty = setup.pty !== undefined;
  const { program } = started;
  const recorder = started.record((error) => life.end({ cause: 'recording', reason: error.message }));
  const journal = createJournal(clock, (events) => supervisor.decisions(events));
  const screen = createScreen(pty);
  const output: Output = createOutput({ client, program, recorder, screen, life, shown: () => voice.shown() });
  const voice = createVoice({
    clock,
    screen,
    size: setup.pty,
    send: (bytes) => output.send(bytes, noticeStream(pty)),
    // Two changes in a row: whoever asks for the size finds it as it was, and draws anew.
    redraw({ cols, rows }) {
      program.resize(cols, Math.max(1, rows - 1));
      program.resize(cols, rows);
    },
  });
  const bursts = createBursts(clock, voice.tell);
  const filter = createRefusalFilter(bursts.flush);
  const notice = voice.say;
  const programs = createPrograms({
    ...{ clock, life, rights: rights.current, journal, recorder, end: supervisor.endPrograms, hold: output.hold },
    say(text, front) {
      const restore = front ? screen.restore() : '';
      if (restore !== '') output.send(Buffer.from(restore), noticeStream(pty));
      voice.tell(text);
    },
  });
  // A command without a terminal may be read by a program, which has no use for it.
  const news = createRightsNews(clock, rights.current, (text) => pty && voice.tell(text));
  const { wheel } = setup;
  const edges = createTimeEdges({
    ...{ clock, wheel, rights: rights.current },
    look(from, to) {
      if (!rights.decide(SESSION_QUESTION, to).allow) {
        life.end({ cause: 'deadline' });
        return;
      }
      news.tick();
      held.again();
      void programs.again({ because: whatEnded(rights.current().data, from, to), cause: 'deadline' });
    },
  });
  const deadlines = startDeadlines(
    clock,
    admitted.deadlines,
    { warn: notice, end: (cause) => void life.end({ cause }), recheck: edges.tick },
    wheel.every,
  );
  const gates = { clock, life, rights: rights.current, journal, recorder, supervisor, programs, filter };
  const asking = createAsking({
    ...{ clock, life, recorder, supervisor, client, screen, voice, pty },
    typed: admitted.kind === 'exec',
    send: (bytes) => output.send(bytes, noticeStream(pty)),
    deliver: (bytes) => pass(bytes),
  });
  const { execs, held, approvals } = asking;
  const exec = { ...gates, execs, approvals, refused: bursts.refused, advice: createAdvice(admitted) };
  const lineParts = { ...exec, held, accepted: asking.accepted, gate: admitted.gate, lookup: setup.lookup };
  const lineGate = started.openLineGate?.(lineGateHooks(lineParts));
  const classifier = createInputClassifier();
  program.onOutput((chunk, stream) => {
    // Without a pty what a program says counts; what we say, a warning of this very limit, never does.
    if (!pty) deadlines.touch();
    output.send(chunk, stream);
    asking.console.disturbed();
  });
  const pass = pumpInput({
    client,
    program,
    came(chunk) {
      if (!pty || classifier.isTyping(chunk)) deadlines.touch();
    },
    taken: asking.console.take,
    ended: asking.console.ended,
    passed(chunk) {
      if (!chunk.includes(0x0d) && !chunk.includes(0x0a)) return;
      held.entered();
      if (lineGate) return;
      // Without a line gate, Enter is all that is known of a line.
      filter.accepted(undefined);
      asking.accepted(undefined);
    },
  });
  client.onResize((cols, rows) => {
    program.resize(cols, rows);
    voice.resized(cols, rows);
    void recorder.resize(cols, rows);
  });
  return {
    started,
    recorder,
    journal,
    screen,
    output,
    voice,
    bursts,
    deadlines,
    edges,
    lineGate,
    programs,
    news,
    exec,
    held,
    notice,
    watched({ note, say }) {
      if (note !== undefined) void recorder.marker(noteMarker(note));
      if (say !== undefined && pty) voice.tell(say);
    },
  };
}

function greet(setup: SessionSetup, running: Running): void {
  const { admitted, pty, clock } = setup;
  if (pty && admitted.kind === 'shell') running.notice(bannerText(admitted, clock.now()));
}

function refuseStart({ client, pty }: SessionSetup, life: Life, error: unknown): void {
  const text = error instanceof Error ? error.message : 'the session could not be started';
  client.writeErr(Buffer.from(`sallyport: ${escapeText(text, 1_000)}${pty ? '\r\n' : '\n'}`));
  life.end({ cause: 'crashed', reason: text });
}

/** Every process first, then the last bytes, then the recording: nothing here waits for the client. */
async function tearDown(setup: SessionSetup, r: Running, ending: Ending): Promise<void> {
  const { clock, supervisor, pty } = setup;
  r.deadlines.stop();
  r.edges.stop();
  r.lineGate?.close();
  r.programs.close();
  r.news.close();
  if (ending.cause !== 'exit') r.output.abandon();
  // The guard holds the shell at its exit for this: once it is gone the kernel drops what the terminal still holds.
  else if (pty) await r.started.program.drain();
  if (ending.cause !== 'exit' || pty) supervisor.end();
  await within(clock, supervisor.gone, GONE_WAIT_MS);
  try {
    await within(clock, r.started.program.drain(), GONE_WAIT_MS);
    if (ending.cause !== 'exit' && ending.cause !== 'disconnected') {
      const restore = r.screen.restore();
      if (restore !== '') r.output.send(Buffer.from(restore), noticeStream(pty !== undefined));
    }
    r.bursts.flush();
    r.voice.flush();
    lastNotice(setup, r, ending);
  } finally {
    r.started.program.close();
    r.journal.flush();
    await r.recorder.close({ cause: ending.cause, ...statusNumber(ending) });
  }
}

/** Recorded like anything shown; where nothing can be recorded any more, this one line of our own is shown all the same. */
function lastNotice({ client, pty }: SessionSetup, r: Running, { cause }: Ending): void {
  if (cause === 'exit' || cause === 'disconnected') return;
  const bytes = r.screen.lastLine(`sallyport: session closed: ${cause}`);
  if (cause !== 'recording') r.output.send(bytes, noticeStream(pty !== undefined));
  else if (pty) client.writeOut(bytes);
  else client.writeErr(bytes);
}

async function farewell(setup: SessionSetup, ending: Ending, failed: boolean): Promise<void> {
  const { client, clock } = setup;
  const status: ExitStatus = ending.status ?? { code: failed && ending.cause === 'crashed' ? 1 : ENDED_STATUS };
  const left = new Promise<void>((resolve) => client.onClose(resolve));
  client.exit(status);
  client.close();
  await within(clock, left, ending.cause === 'exit' ? FAREWELL_MS : LAST_WORDS_MS);
  client.destroy();
}

function statusNumber(ending: Ending): { status?: number } {
  if (ending.status === undefined) return ending.cause === 'disconnected' ? {} : { status: ENDED_STATUS };
  return 'code' in ending.status ? { status: ending.status.code } : {};
}

function summary(ending: Ending, journal: Journal | undefined): SessionEnd {
  const { status, cause, reason } = ending;
  const counts = journal?.counts() ?? { commands: 0, denied: 0 };
  const shown = status === undefined ? '' : 'code' in status ? String(status.code) : status.signal;
  return { cause, status: shown, ...counts, ...(reason === undefined ? {} : { reason }) };
}
