import type { Recorder } from '../record/index.js';
import type { Life } from './life.js';
import type { ClientPort, OutputStream, ProgramPort } from './ports.js';
import type { Screen } from './screen.js';

export interface Output {
  /** Bytes of the session's programs, or our own words, on their way to recording and client. */
  send(chunk: Buffer, stream: OutputStream): void;
  /** From here on the client's slowness no longer holds anything back. */
  abandon(): void;
  /** Leaves what programs say with them, for a moment. Our own words go out all the same. */
  hold(on: boolean): void;
}

export interface OutputParts {
  client: ClientPort;
  program: Pick<ProgramPort, 'pauseOutput' | 'resumeOutput'>;
  recorder: Pick<Recorder, 'output'>;
  screen: Screen;
  life: Life;
  /** Called when bytes are on their way to the client. */
  shown(): void;
}

/**
 * The way out: recorded first, then sent. Whichever of the two backs up pauses the programs' output. While the
 * recorder writes asynchronously chunks leave in order, one promise behind the other; the programs are paused, so
 * the chain holds no more than what was already read.
 */
export function createOutput(parts: OutputParts): Output {
  const { client, program, recorder, screen, life } = parts;
  let chain: Promise<void> | undefined;
  let clientFull = false;
  let abandoned = false;
  let held = false;
  const balance = () => {
    if (abandoned || (chain === undefined && !clientFull && !held)) program.resumeOutput();
    else program.pauseOutput();
  };
  const toClient = (chunk: Buffer, stream: OutputStream) => {
    screen.saw(chunk);
    const room = stream === 'err' ? client.writeErr(chunk) : client.writeOut(chunk);
    if (!room && !clientFull) {
      clientFull = true;
      balance();
    }
    parts.shown();
  };
  client.onDrain(() => {
    clientFull = false;
    balance();
  });
  const later = (written: Promise<void>, chunk: Buffer, stream: OutputStream) => {
    const link = Promise.all([chain, written]).then(
      () => toClient(chunk, stream),
      () => {
        life.end({ cause: 'recording' });
      },
    );
    chain = link;
    balance();
    void link.then(() => {
      if (chain !== link) return;
      chain = undefined;
      balance();
    });
  };
  return {
    send(chunk, stream) {
      try {
        const written = recorder.output(chunk, stream);
        if (written !== true) later(written, chunk, stream);
        else if (chain !== undefined) later(Promise.resolve(), chunk, stream);
        else toClient(chunk, stream);
      } catch {
        life.end({ cause: 'recording' });
      }
    },
    abandon() {
      abandoned = true;
      balance();
    },
    hold(on) {
      if (on === held) return;
      held = on;
      balance();
    },
  };
}

export interface InputParts {
  client: ClientPort;
  program: ProgramPort;
  /** Bytes of the person's, whoever gets them. */
  came(chunk: Buffer): void;
  /** True: they are an answer to us, or wait for one, and the programs do not get them now. */
  taken(chunk: Buffer): boolean;
  /** The person can say no more. */
  ended(): void;
  /** Bytes go to the programs. */
  passed(chunk: Buffer): void;
}

/** The way in: client to programs, held back while the programs do not read. Returns the way past `taken`. */
export function pumpInput({ client, program, ...on }: InputParts): (chunk: Buffer) => void {
  const pass = (chunk: Buffer) => {
    on.passed(chunk);
    if (!program.write(chunk)) client.pauseInput();
  };
  client.onInput((chunk) => {
    on.came(chunk);
    if (!on.taken(chunk)) pass(chunk);
  });
  client.onInputEnd(() => {
    on.ended();
    program.endInput();
  });
  program.onDrain(() => client.resumeInput());
  return pass;
}
