import { startBare } from './bare.mjs';
import { startSallyport } from './sallyport.mjs';
import { startSshd } from './sshd.mjs';

const start = { sshd: startSshd, bare: startBare, sallyport: startSallyport };

/** In the order named. `options` are for sallyport. */
export async function startContenders(workspace, names, options) {
  const contenders = [];
  for (const name of names) contenders.push(await start[name](workspace, options));
  return contenders;
}
