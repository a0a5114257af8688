/** What `status` needs of hooks. The keeper implements it; with no broker nobody is told. */
export interface HookStatus {
  hook: string;
  kind: 'webhook' | 'command' | 'syslog';
  /** Whom it tells: an address without its path, a program, a syslog address. */
  to: string;
  /** `idle`: nothing was sent yet. */
  state: 'idle' | 'ok' | 'failing';
  waiting: number;
  delivered: number;
  failed: number;
  dropped: number;
  /** ISO 8601 UTC. */
  okAt?: string;
  error?: string;
  errorAt?: string;
}

export interface Hooks {
  status(): HookStatus[];
}
