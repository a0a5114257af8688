export { DEFAULT_YAML } from './defaults.js';
export { editYaml } from './edit.js';
export { envAllowed } from './env.js';
export { parseAddress } from './fields.js';
export { type FindHomeOptions, findHome } from './home.js';
export { hasType } from './labels.js';
export { limitsFor } from './limits.js';
export { ConfigError, loadConfig, parseConfig } from './load.js';
export type * from './types.js';
