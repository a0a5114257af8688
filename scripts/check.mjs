// `npm run check`: installs what is missing, then every check this project has. All of them run even if one fails;
// the last line is `N passed, N failed`, a stage without tests of its own counting as one.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  build,
  callerProblem,
  describeMissing,
  ensureModules,
  missingPackages,
  nodeProblem,
  root,
  run,
} from './prepare.mjs';

const tally = { passed: 0, failed: 0 };

function stage(name, work) {
  process.stdout.write(`\n== ${name}\n`);
  const ok = work();
  tally[ok ? 'passed' : 'failed'] += 1;
  process.stdout.write(`-- ${name}: ${ok ? 'passed' : 'FAILED'}\n`);
  return ok;
}

function complain(problem) {
  if (problem !== undefined) process.stdout.write(`${problem}\n`);
  return problem === undefined;
}

function systemPackages() {
  const missing = missingPackages({ tests: true });
  return complain(nodeProblem() ?? callerProblem() ?? (missing.length > 0 ? describeMissing(missing) : undefined));
}

const tool = (name, ...args) => run(process.execPath, [join(root, 'node_modules', name), ...args]);

/** Runs vitest and adds its counts; a file that could not even be loaded counts as one failure. */
function tests() {
  process.stdout.write('\n== tests\n');
  // Open to others: some tests play users without privilege. Short: sockets' paths are limited.
  const scratch = mkdtempSync(join(tmpdir(), 'check-'));
  chmodSync(scratch, 0o755);
  const report = join(scratch, 'report.json');
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const { status } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, TMPDIR: scratch },
  });
  const counts = readCounts(report);
  rmSync(scratch, { recursive: true, force: true });
  tally.passed += counts.passed;
  tally.failed += counts.failed;
  if (status !== 0 && counts.failed === 0) tally.failed += 1;
  if (counts.skipped > 0) process.stdout.write(`-- tests skipped on this machine: ${counts.skipped}\n`);
}

function readCounts(path) {
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'));
    const unloaded = report.testResults.filter((f) => f.status === 'failed' && f.assertionResults.length === 0).length;
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests + unloaded,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

stage('system packages', systemPackages);
if (stage('npm ci', ensureModules)) {
  stage('build', build);
  stage('format and lint', () => tool('@biomejs/biome/bin/biome', 'check', '.'));
  stage('types', () => tool('typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.test.json'));
  stage('dead code', () => tool('knip/bin/knip.js'));
  tests();
}
process.stdout.write(`\n${tally.passed} passed, ${tally.failed} failed\n`);
process.exitCode = tally.failed === 0 ? 0 : 1;
