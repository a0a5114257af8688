import { readFileSync } from 'node:fs';
import { newEnforcer, newModelFromString, StringAdapter } from 'casbin';
import { describe, expect, it } from 'vitest';
import { compileRights, SHIPPED_MODEL } from '../../src/policy/index.js';
import { checkModel } from '../../src/policy/model.js';
import { NOON, problemsOf, rights, rightsData, run } from './helpers.js';

const all = 'p, a, eng, *, *, true, allow, checked\n';
const shipped = SHIPPED_MODEL.trimEnd();
const edit = (from: string, to: string) => SHIPPED_MODEL.replace(from, to);

describe('the model', () => {
  it('shipped in policies/ is the one built in', () => {
    const text = readFileSync(new URL('../../policies/model.conf', import.meta.url), 'utf8');
    const { model, problems } = checkModel(text, 'model.conf');
    expect(problems).toEqual([]);
    expect(model?.text).toBe(SHIPPED_MODEL);
    expect(checkModel(SHIPPED_MODEL, 'm').model).toEqual(model);
  });

  it.each([
    [edit('p.eft == allow', 'p.eft == alow'), /m\.conf:\d+: e must be/],
    [edit('some(where (p.eft == allow)) && !some(where (p.eft == deny))', 'some(where (p.eft == allow))'), /e must be/],
    [edit('id, role,', 'role,'), /m\.conf:\d+: p must be/],
    [edit('m = ', 'm = true || '), /m\.conf:\d+: the matcher must start with the shipped one/],
    [`${shipped} || true\n`, /may not hold: true/],
    [`${shipped} && (true) || (r.user == "x")\n`, /may not hold: true/],
    [`${shipped} && (r.user == "x") || (r.user == "y")\n`, /narrows/],
    [`${shipped} && (r.user == "x"\n`, /narrows/],
    [`${shipped} && r.user == "x"\n`, /narrows/],
    [`${shipped} && (regexMatch(r.user, "(a+)+"))\n`, /may not hold: regexMatch/],
    [`${shipped} && (eval(p.when))\n`, /may not hold: eval/],
    [`${shipped} && (r.user == "a#b")\n`, /may not hold/],
    [`${shipped} && ("r.user" == r.user)\n`, /may not hold r\. or p\./],
    [`${shipped} && ()\n`, /no expression/],
    [`${shipped} && (r.user r.user)\n`, /no expression/],
    [`${SHIPPED_MODEL}[extra]\nx = y\n`, /no section of this model/],
    [`${SHIPPED_MODEL}m2 = true\n`, /does not belong/],
    [`${SHIPPED_MODEL}m = true\n`, /set twice/],
    [edit('[matchers]\n', '[matchers]\nnonsense\n'), /neither a \[section\] nor key = value/],
    ['', /m is missing/],
  ])('is taken as shipped or not at all', (model, message) => {
    expect(problemsOf(all, model).join('\n')).toMatch(message);
  });

  it('may be narrowed: for allow rules, never for deny rules', async () => {
    const model = `${shipped} && (r.user != "alice" || r.target == "db2") && (p.id != "b")\n`;
    expect((await rights(all, {}, model)).decide(run('ls'), NOON).allow).toBe(false);
    expect((await rights(all, { target: 'db2' }, model)).decide(run('ls'), NOON).allow).toBe(true);
    const deny = `${all}p, d, *, *, ls, true, deny, checked\n`;
    expect((await rights(deny, {}, model)).decide(run('ls'), NOON).rule?.id).toBe('d');
  });
});

describe('what casbin does by itself, and what it does here', () => {
  it('casbin allows everything on an empty policy with some matchers; here empty means no', async () => {
    const enforcer = await newEnforcer(
      newModelFromString(
        '[request_definition]\nr = s\n[policy_definition]\np = s\n[policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\nm = r.s == r.s || r.s == p.s\n',
      ),
    );
    expect(enforcer.enforceSync('anyone')).toBe(true);
    for (const children of ['checked', 'none'] as const) {
      expect((await rights('')).decide(run('ls', { children }), NOON).allow).toBe(false);
    }
    expect((await rights('')).decide({ kind: 'action', action: '@login' }, NOON).allow).toBe(false);
  });

  it('casbin lets a misspelt effect never deny; here it is refused, from a keeper too', async () => {
    const enforcer = await newEnforcer(
      newModelFromString(
        '[request_definition]\nr = s\n[policy_definition]\np = s, eft\n[policy_effect]\ne = !some(where (p.eft == deny))\n[matchers]\nm = r.s == p.s\n',
      ),
      new StringAdapter('p, x, dney'),
    );
    expect(enforcer.enforceSync('x')).toBe(true);
    const data = rightsData(all);
    const rows = data.rows.map((row) => ({ ...row, effect: 'dney' as 'deny' }));
    await expect(compileRights({ ...data, rows })).rejects.toThrow(/unknown effect/);
  });

  it('a line break in a name adds no rule: rules never pass through text', async () => {
    const data = rightsData(all);
    const rows = data.rows.map((row) => ({
      ...row,
      role: 'nobody\np, b, *, *, *, true, allow, checked',
      id: 'a\np, c, *, *, *, true, allow, checked',
    }));
    expect((await compileRights({ ...data, rows })).decide(run('ls'), NOON).allow).toBe(false);
  });

  it('casbin takes any model text; a door takes only a checked one', async () => {
    const model = edit('m = ', 'm = true || ');
    await expect(compileRights({ ...rightsData(all), model })).rejects.toThrow(/shipped one/);
  });

  it('casbin remembers answers; here the same question is asked anew', async () => {
    const r = await rights('p, a, eng, *, *, time.hour < 13, allow, checked\n');
    expect([NOON, NOON + 3_600_000, NOON].map((at) => r.decide(run('ls'), at).allow)).toEqual([true, false, true]);
  });

  it('a rule that comes twice is refused, since casbin would name the wrong one', async () => {
    const data = rightsData(all);
    await expect(compileRights({ ...data, rows: [...data.rows, ...data.rows] })).rejects.toThrow(/twice/);
  });

  it('rights live on while others are compiled: nothing is ever half loaded', async () => {
    const r = await rights(all);
    const data = rightsData(
      Array.from({ length: 1000 }, (_, i) => `p, r${i}, eng, *, x${i}, true, allow, checked\n`).join(''),
    );
    const coming = compileRights(data);
    expect(r.decide(run('ls'), NOON).allow).toBe(true);
    expect((await coming).decide(run('x999'), NOON).allow).toBe(true);
  });
});
