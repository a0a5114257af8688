export { openCountries } from './countries.js';
export { readEveryone } from './document.js';
export { readIfChanged, readShort, SETTLE_MS, watchFile } from './files.js';
export { type PerUser, startPerUser } from './per-user.js';
export { sift } from './sift.js';
export { type Ask, type Source, startSource } from './source.js';
export type * from './types.js';
