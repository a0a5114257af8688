import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/index.js';

const hooks = (...list: string[]) => parseConfig(`hooks:\n${list.map((h) => `  - ${h}\n`).join('')}`, '/h').hooks;

describe('a hook', () => {
  it.each([
    [
      "{ events: '*', webhook: { url: 'https://x.example/y', secretFile: s.key } }",
      { name: 'webhook-1', kind: 'webhook', events: '*', timeoutMs: 5_000, secretFile: '/h/s.key' },
    ],
    ["{ events: [lock], webhook: { url: 'http://127.0.0.1:1/', secretFile: /s, caFile: ca } }", { caFile: '/h/ca' }],
    [
      '{ name: a, events: [lock, session.end], command: [/bin/x, -y], timeout: 2s }',
      { name: 'a', argv: ['/bin/x', '-y'] },
    ],
    [
      "{ events: [feed], syslog: { address: 'udp://[::1]:514', facility: local3 } }",
      { kind: 'syslog', place: { via: 'udp', host: '::1', port: 514 }, facility: 19 },
    ],
    ["{ events: [feed], syslog: { address: 'tcp://logs:601' } }", { place: { via: 'tcp', port: 601 }, facility: 10 }],
    ["{ events: [feed], syslog: { address: 'unix:/dev/log' } }", { place: { via: 'unix', path: '/dev/log' } }],
  ])('%s is read', (text, expected) => {
    expect(hooks(text)[0]).toMatchObject(expected);
  });

  it.each([
    ['{ events: [lock] }', /hooks\.0: a hook has exactly one of webhook, command and syslog/],
    ["{ events: [lock], command: [/a], syslog: { address: 'unix:/a' } }", /exactly one of/],
    ['{ command: [/a] }', /events: must be a list of events/],
    ['{ events: [sesion.start], command: [/a] }', /"sesion.start" is no event: did you mean session.start/],
    ['{ events: [], command: [/a] }', /events: must be a list of events/],
    ['{ events: [request.made], command: [/a] }', /is no event: there are login/],
    ['{ events: [glass.broken], command: [/a] }', /is no event/],
    ['{ events: [lock], command: [a] }', /absolute path/],
    ['{ events: [lock], command: [/a], timeout: 1m }', /timeout: is too long: at most 30s/],
    ['{ events: [lock], comand: [/a] }', /unknown key: did you mean command/],
    ["{ events: [lock], webhook: { url: 'https://x/' } }", /secretFile: must be text/],
    [
      "{ events: [lock], webhook: { url: 'https://x/', secretFile: s, retries: 3 } }",
      /retries: unknown key: known here are url/,
    ],
    ["{ events: [lock], webhook: { url: 'http://x.example/', secretFile: s } }", /use https/],
    ["{ events: [lock], webhook: { url: 'https://u:p@x/', secretFile: s } }", /holds a password/],
    ["{ events: [lock], webhook: { url: 'ftp://x/', secretFile: s } }", /not an https address/],
    ["{ events: [lock], syslog: { address: 'logs:514' } }", /no address: write udp/],
    ["{ events: [lock], syslog: { address: 'tcp://logs' } }", /no address/],
    ["{ events: [lock], syslog: { address: 'unix:/a', facility: loud } }", /not one of kern/],
    ["{ events: [lock], syslog: { address: 'tls://logs:6514' } }", /no address/],
    ['{ name: A, events: [lock], command: [/a] }', /names of hooks/],
  ])('%s is refused', (text, message) => {
    expect(() => hooks(text)).toThrow(message);
  });

  it('has a name of its own', () => {
    const one = '{ name: a, events: [lock], command: [/a] }';
    expect(() => hooks(one, one)).toThrow(/hooks\.1: there is a hook a already/);
    expect(() => hooks(...Array.from({ length: 17 }, (_, i) => one.replace('name: a', `name: a${i}`)))).toThrow(
      /16 hooks/,
    );
  });
});
