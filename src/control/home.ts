/** Where things are in a home. */
import { join } from 'node:path';

export interface HomePaths {
  readonly home: string;
  readonly config: string;
  readonly policies: string;
  readonly model: string;
  readonly policy: string;
  /** 0700: the store, the audit log, keys. */
  readonly state: string;
  /** The ssh host key, OpenSSH private key format. */
  readonly hostKey: string;
  /** Ed25519, PKCS#8 PEM; signs recordings and the audit log. Never given to a door. */
  readonly signingKey: string;
  readonly run: string;
  readonly controlSocket: string;
  /** 0700. */
  readonly recordings: string;
}

export function homePaths(home: string): HomePaths {
  const state = join(home, 'state');
  const policies = join(home, 'policies');
  const run = join(home, 'run');
  return {
    home,
    config: join(home, 'sallyport.yaml'),
    policies,
    model: join(policies, 'model.conf'),
    policy: join(policies, 'policy.csv'),
    state,
    hostKey: join(state, 'host_key'),
    signingKey: join(state, 'signing_key.pem'),
    run,
    controlSocket: join(run, 'control.sock'),
    recordings: join(home, 'recordings'),
  };
}
