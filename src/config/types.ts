import type { FactValue, Labels } from '../policy/types.js';
import type { HookEventName } from './hook-events.js';

/** The configuration, checked and frozen. Every length of time is in ms. */
export interface Config {
  /** Absolute path of the home it came from. */
  readonly home: string;
  /** Absolute path of sallyport.yaml. */
  readonly file: string;
  readonly listen: Address;
  /** How many pairs of door and guard run. */
  readonly doors: number;
  /** The OS account doors change to when the broker runs as root; `auto` lets the broker choose. */
  readonly doorAccount: string;
  readonly isolation: 'auto' | 'account' | 'sandbox';
  readonly session: SessionConfig;
  /** IANA zone. */
  readonly timezone: string;
  /** How long ended grants, locks and requests stay in the store. */
  readonly retentionMs: number;
  readonly gate: 'exec' | 'line-only';
  readonly admins: readonly { readonly uid: number; readonly user: string }[];
  readonly labels: Labels;
  /** `local` is always there. */
  readonly targets: Readonly<Record<string, Readonly<Record<string, FactValue>>>>;
  readonly limits: Limits;
  readonly requests: RequestsConfig;
  readonly approvals: ApprovalsConfig;
  /** Directories no session sees. */
  readonly hide: readonly string[];
  readonly breakglass: Readonly<Record<string, Seal>>;
  /** Names a client may set, each with at most one `*`, at its end. Ask `envAllowed`. */
  readonly env: readonly string[];
  readonly accounts: Readonly<Record<string, AccountOverride>>;
  readonly context: { readonly feeds: Readonly<Record<string, Feed>> };
  readonly hooks: readonly Hook[];
}

/** A sealed grant. */
export interface Seal {
  /** The role whose holders may open it for themselves. */
  readonly for: string;
  /** The role it gives, on targets of this pattern, for so long. */
  readonly role: string;
  readonly target: string;
  readonly lengthMs: number;
}

/** Who is told of what happens. */
export type Hook = {
  readonly name: string;
  readonly events: readonly HookEventName[] | '*';
  readonly timeoutMs: number;
} & (
  | {
      readonly kind: 'webhook';
      readonly url: string;
      /** Absolute paths. */
      readonly secretFile: string;
      /** Authorities that vouch for the server, instead of the system's. */
      readonly caFile?: string;
    }
  | { readonly kind: 'command'; readonly argv: readonly string[] }
  | {
      readonly kind: 'syslog';
      /** As it was written. */
      readonly address: string;
      readonly place: HookPlace;
      /** RFC 5424, 6.2.1. */
      readonly facility: number;
    }
);

/** Where syslog messages go. */
export type HookPlace =
  | { readonly via: 'udp' | 'tcp'; readonly host: string; readonly port: number }
  | { readonly via: 'unix'; readonly path: string };

/** Who tells facts. Those listed first are believed first. */
export interface Feed {
  /**
   * `file`: watched; `poll`: an address that tells of everyone; `ask`: one that is asked for each user who logs in; `push`: it
   * comes by itself; `country`: a MaxMind database.
   */
  readonly kind: 'file' | 'poll' | 'ask' | 'push' | 'country';
  /** Absolute path, or the address with `{user}` in it for `ask`; empty for `push`. */
  readonly from: string;
  /** Names of facts; `device.*` and `user.*` are all of them. */
  readonly gives: readonly string[];
  readonly refreshMs: number;
  readonly timeoutMs: number;
  /** How long facts that are stale are kept; 0: not at all. */
  readonly keepMs: number;
  readonly tokenFile?: string;
  /** The header that carries the token as it is; absent: `Authorization: Bearer`. */
  readonly header?: string;
  /** Authorities that vouch for the server, instead of those Node knows. */
  readonly caFile?: string;
}

export interface Address {
  /** Without brackets. */
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

export interface SessionConfig {
  readonly idleMs: number;
  readonly hardMs: number;
  /** Longest first, without repeats. */
  readonly warnMs: readonly number[];
  readonly recheckMs: number;
  readonly drainMs: number;
  /** What the processes of a session may use. */
  readonly limits: ProcessLimits;
  /** Whether a session may make user namespaces of its own. */
  readonly userNamespaces: boolean;
  readonly roles: Readonly<Record<string, RoleLimits>>;
}

export interface RoleLimits {
  readonly idleMs?: number;
  readonly hardMs?: number;
  readonly limits?: Partial<ProcessLimits>;
  readonly userNamespaces?: boolean;
}

/** Infinity: none. What is said of one process holds for each of a session's. */
export interface ProcessLimits {
  /** Processes of the session, each of their threads counted. */
  readonly processes: number;
  /** Bytes of private, writable memory of one process. */
  readonly memory: number;
  /** Descriptors of one process. */
  readonly openFiles: number;
  /** CPU time of one process, ms. */
  readonly cpuMs: number;
  /** Bytes of a file a process writes. */
  readonly fileSize: number;
  /** Bytes of a core dump. */
  readonly core: number;
  /** 0 to 19: how far sessions stand back for the broker. */
  readonly nice: number;
}

export interface Limits {
  /** From the connection to a completed login. */
  readonly loginGraceMs: number;
  readonly authTries: number;
  readonly sessionsPerUser: number;
  readonly channelsPerConnection: number;
  readonly connections: number;
  readonly connectionsPerSource: number;
  /** Connections not logged in yet. */
  readonly startups: number;
}

/** Asking for a role. */
export interface RequestsConfig {
  /** What can be asked for. */
  readonly roles: '*' | readonly string[];
  readonly longestMs: number;
  /** How long nobody's answer is waited for. */
  readonly expireMs: number;
  /** Of one user, waiting. */
  readonly perUser: number;
}

/** Asking for a yes to one command. */
export interface ApprovalsConfig {
  readonly waitMs: number;
  /** Of one user, waiting. */
  readonly perUser: number;
}

/** What replaces the password database's word on an account. */
export interface AccountOverride {
  /** `private`: a directory of the broker's, homes/NAME in its home; else an absolute path. */
  readonly home?: string;
  /** Absolute path. */
  readonly shell?: string;
}
