/** `sallyport serve`: the keeper. */
import { messageOf } from '../core/errors.js';
import { escapeText } from '../core/escape.js';
import { type Broker, startBroker } from './broker.js';

export interface KeeperOptions {
  home: string;
}

/** Runs the broker of a home until it is told to stop; resolves to the exit code. Rejects when it cannot start. */
export async function runKeeper(options: KeeperOptions): Promise<number> {
  const say = (line: string) => void process.stdout.write(`sallyport: ${escapeText(line, 2_000)}\n`);
  const log = (line: string) => void process.stderr.write(`sallyport: ${escapeText(line, 2_000)}\n`);
  // Whoever reads what is said may leave; until the broker listens for it, a hangup is no reason to end.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  process.on('SIGHUP', () => {});
  const broker = await startBroker(options.home, { say, log });
  return await untilStopped(broker, log);
}

function untilStopped(broker: Broker, log: (line: string) => void): Promise<number> {
  return new Promise((resolve) => {
    let asked = 0;
    const stop = (signal: string) => {
      asked += 1;
      const code = () => resolve(0);
      if (asked === 1) {
        log(`${signal}: no new connections; sessions end in ${broker.drainText}, or at once with a second ${signal}`);
        void broker.drain().then(code);
      } else void broker.stopNow().then(code);
    };
    process.on('SIGTERM', () => stop('SIGTERM'));
    process.on('SIGINT', () => stop('SIGINT'));
    process.on('SIGHUP', () => {
      broker.reload().then(
        (line) => log(line),
        (error) => log(`reload: ${messageOf(error)}`),
      );
    });
    void broker.failed.then((why) => {
      log(why);
      void broker.stopNow('recording').then(() => resolve(1));
    });
  });
}
