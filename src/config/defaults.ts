/** What `init` writes: every key with its default and what it is for. A test holds it equal to the defaults. */
export const DEFAULT_YAML = `# sallyport's configuration. Every key is here with its default; all of them may be left out.
# Unknown keys are errors. Durations read 90s, 15m, 2h30m, 30d. SIGHUP, or a restart, makes a change count;
# listen, doors, doorAccount, isolation and gate wait for the restart.

# Where engineers connect: HOST:PORT. 127.0.0.1 is this machine only; 0.0.0.0 or [::] is every network.
listen: 127.0.0.1:2222

# Processes that face the network. More of them use more cores; each dies alone.
doors: 1

# Run by root: the account these processes change to before they take a connection. Never one that shells use.
# auto: an account made for it where there is one, else an unused number.
doorAccount: auto

# How shells are kept apart from the broker and from each other.
# account: as the user's OS account (needs root); sandbox: in a user namespace (an ordinary user); auto: what fits.
isolation: auto

session:
  idle: 15m                 # no input from the client for this long ends the session
  hard: 8h                  # from admission; nothing lengthens it
  warn: [5m, 1m]            # before the hard deadline; before idle, the last of these that fits
  recheck: 1s               # how often a live session is decided anew, besides at every change
  drain: 30s                # what a stop (SIGTERM) gives live sessions
  # What a session's processes may use, as it starts; none for no limit. Sizes read 512MiB, 4GiB.
  limits:
    processes: 1024         # in the session, each thread counted; one more is not started
    memory: 4GiB            # of one process, as ulimit -d counts: private memory that can be written
    openFiles: 16384        # of one process; it starts with 1024 and may raise that to this
    cpu: 4h                 # CPU time of one process
    fileSize: none          # of a file a process writes
    core: 0B                # of a core dump
    nice: 5                 # 0 to 19: how far sessions stand back for the broker when there is not enough CPU
  userNamespaces: false     # whether programs may make user namespaces of their own (never mounts in them)
  # Per role, instead of the values above, larger or smaller; of several roles the strictest wins, value by value:
  #   roles: { sre: { idle: 5m, hard: 2h }, builder: { limits: { memory: none, processes: 4096 } } }
  roles: {}

# The zone of time.hour and time.weekday in conditions: an IANA name such as Europe/Berlin.
timezone: UTC

# How long grants, locks and requests that are over stay in the store, for grants --all; the audit log keeps them for good.
retention: 400d

# exec: the kernel asks before any program of a session starts.
# line-only: only the lines typed into bash are judged, for kernels that forbid the former. The banner says so.
gate: exec

# Who may use the admin commands besides root and the broker's own account, decided as @admin:<verb>:
#   admins: [{ uid: 1001, user: carol }]
admins: []

# The facts conditions may speak of, with their types: string, int, double or bool.
labels:
  user: {}                  # user.<name>
  target: { sensitivity: int }   # target.<name>
  device: { managed: bool } # device.<name>

# Where a shell can open, with the target labels above. local is this machine.
targets:
  local: { sensitivity: 1 }

limits:
  loginGrace: 30s           # from the connection to a completed login
  authTries: 6              # refused keys and passwords on one connection
  sessionsPerUser: 20
  channelsPerConnection: 10
  connections: 2000         # all together
  connectionsPerSource: 200 # from one address
  startups: 100             # connections not logged in yet; one address gets half of them

# Asking for a role for a time (sallyport request); whoever may @admin:approve answers (sallyport requests, approve, refuse).
requests:
  roles: '*'                # what can be asked for: every role, or a list such as [sre, dba]
  longest: 8h               # nobody asks for longer
  expire: 24h               # what nobody answered by then is over
  perUser: 10               # waiting at once

# Asking for another person's yes to one command, where a rule's condition speaks of approval.by.
approvals:
  wait: 10m                 # the command is held no longer
  perUser: 10               # waiting at once

# Sealed grants: whoever holds the role named by \`for\` may open one for themselves (sallyport breakglass NAME --reason TEXT).
# It is a grant of \`role\` on \`target\` (*) for \`length\` (1h), and everybody hears of it.
#   breakglass: { prod-down: { for: engineer, role: sre, target: 'prod/*', length: 1h } }
breakglass: {}

# Directories out of sight in sessions, besides this one, /run, /tmp and, in a sandbox, every home: where daemons have
# sockets through which they start programs for whoever connects. Those that are not there do not matter.
hide: [/var/lib/incus, /var/lib/lxd, /var/snap/lxd/common/lxd]

# Environment variables a client may set (* at the end: every name that starts so).
# PATH, LD_* and what else changes what programs load is refused here.
env: [LANG, LANGUAGE, LC_*, TZ, COLORTERM, NO_COLOR]

# What to use instead of the password database's word on an account, for accounts without a home or a shell:
#   accounts: { nobody: { home: private, shell: /bin/bash } }     # private: homes/nobody in this directory
accounts: {}

# Who tells live facts (risk.score, device.*, user.*, source.country) besides \`sallyport context set\`; what is set by hand
# wins, then the feeds in this order. Each says where from and what it gives, and may say:
#   refresh: how often (10s); timeout: how long an answer may take (3s); stale: what becomes of facts older than refresh and
#   timeout: deny (they are missing, so allow rules that need them fail and deny rules hold) or { keep: 10m } for so long.
#   feeds:
#     risk:    { url: 'https://risk.example/scores', gives: [risk.score], token: risk.token, stale: { keep: 2m } }
#     people:  { url: 'https://hr.example/people/{user}', gives: [user.*], refresh: 5m }   # asked for whoever logs in
#     devices: { file: /var/lib/devices.yaml, gives: [device.*] }
#     edr:     { push: true, gives: [device.*], refresh: 1m }      # sallyport context push edr FILE
#     country: { country: /usr/share/GeoIP/GeoLite2-Country.mmdb }
# A file, or an answer, reads { users: { alice: { risk.score: 80 } }, keys: { 'SHA256:…': { device.managed: true } } };
# one asked for a user reads { risk.score: 80 }. token: a file whose text is sent as a bearer token, or in the header named
# by header. ca: a file of authorities to trust instead of those Node knows.
context:
  feeds: {}

# Who is told of what happens: each names its events (or '*' for all) and has one of webhook, command and syslog.
# timeout is what one delivery may take (5s). webhook: a POST of JSON, signed with the text of secretFile; caFile: authorities to
# trust instead of the system's. command: a program by its absolute path, without a shell; the event is its stdin, as JSON.
# syslog: RFC 5424 to udp://HOST:PORT, tcp://HOST:PORT or unix:/dev/log.
#   hooks:
#     - { name: pager, events: [session.refused, lock, grant], webhook: { url: 'https://hooks.example/x', secretFile: pager.key } }
#     - { events: [feed, door.lost], command: [/usr/local/bin/alert, --quiet] }
#     - { events: '*', syslog: { address: 'tcp://127.0.0.1:601', facility: authpriv } }
# Events: login, login.refused, session.start, session.end, session.refused, session.cut (a crash ended it),
# command.refused, command.ended (its right went), lock, unlock, lock.ended, grant, revoke, grant.started, grant.ended, key.expired,
# breakglass, request, approve (of a role: it makes the grant), refuse, request.expired, request.withdrawn, kill, reload, reload.refused,
# admin (what else admins do), admin.failed, admin.refused, feed, context, broker.start, broker.stop, door.lost.
hooks: []
`;
