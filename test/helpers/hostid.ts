/** `hostid` wants a fresh second factor, in whatever way it is reached. */
export const POLICY = `
p, all,     engineer, *, *,          true,                        allow, checked
p, login,   engineer, *, @login,     true,                        allow, checked
p, session, engineer, *, @session,   true,                        allow, checked
p, exec,    engineer, *, @exec,      true,                        allow, checked
p, fresh,   *,        *, hostid **,  mfa.age > duration('20m'),   deny,  checked
p, never,   *,        *, uptime **,  true,                        deny,  checked
`;
export const QUESTION = 'sallyport: hostid needs a fresh second factor (fresh). Verification code: ';
