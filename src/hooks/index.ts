export { eventOf, nameOf } from './events.js';
export { createQueue, type Queue } from './queue.js';
export { SIGNATURE_HEADER, signatureOf } from './sign.js';
export { syslogMessage } from './syslog.js';
export * from './types.js';
