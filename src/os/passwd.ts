import koffi from 'koffi';
import { self } from './libc.js';

/** An entry of the user database, whichever service it comes from (files, LDAP, SSSD, …). */
export interface PasswdEntry {
  name: string;
  uid: number;
  gid: number;
  home: string;
  shell: string;
}

const Passwd = koffi.struct('sallyport_passwd', {
  pw_name: 'char *',
  pw_passwd: 'char *',
  pw_uid: 'uint32_t',
  pw_gid: 'uint32_t',
  pw_gecos: 'char *',
  pw_dir: 'char *',
  pw_shell: 'char *',
});

const getpwnam = self.func('getpwnam', koffi.pointer(Passwd), ['str']) as (name: string) => unknown;
const getpwuid = self.func('getpwuid', koffi.pointer(Passwd), ['uint32_t']) as (uid: number) => unknown;

export function accountByName(name: string): PasswdEntry | undefined {
  return entry(getpwnam(name));
}

export function accountByUid(uid: number): PasswdEntry | undefined {
  return entry(getpwuid(uid));
}

function entry(pointer: unknown): PasswdEntry | undefined {
  if (pointer === null) return undefined;
  const raw = koffi.decode(pointer, Passwd) as Record<string, string | number>;
  return {
    name: String(raw.pw_name),
    uid: Number(raw.pw_uid),
    gid: Number(raw.pw_gid),
    home: String(raw.pw_dir),
    shell: String(raw.pw_shell),
  };
}
