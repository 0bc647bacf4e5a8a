// Each scenario of test/scenarios/scenarios.json: its test passes on the product as it is, and fails with the scenario's one-line patch.
//   npm run mutants                 all of them, in a scratch copy of this checkout
//   npm run mutants -- ID …         some of them
// Not in CI. Last line: scenarios, and how many patches their tests did not catch; exit status 1 when there is one.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { scenarios } = JSON.parse(readFileSync(join(root, 'test/scenarios/scenarios.json'), 'utf8'));
const asked = process.argv.slice(2);
const unknown = asked.filter((id) => !scenarios.some((one) => one.id === id));
if (unknown.length > 0) {
  console.error(`No such scenario: ${unknown.join(', ')}. There are: ${scenarios.map(({ id }) => id).join(', ')}.`);
  process.exit(2);
}
const chosen = asked.length === 0 ? scenarios : scenarios.filter(({ id }) => asked.includes(id));

/** A patch may make a test hang: that is a failure as well. */
const LIMIT_MS = 120_000;

const scratch = mkdtempSync(join(tmpdir(), 'holdfast-mutants-'));
let missed = 0;
try {
  copy();
  for (const scenario of chosen) {
    const verdict = judge(scenario);
    if (verdict !== null) missed += 1;
    console.log(`${verdict === null ? 'caught' : 'MISSED'}  ${scenario.id}${verdict === null ? '' : `: ${verdict}`}`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`${chosen.length} scenarios, ${missed} not caught`);
process.exitCode = missed === 0 ? 0 : 1;

/** What git would take along, and the installed packages by a link. */
function copy() {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root });
  for (const file of listed.toString().split('\0').filter(Boolean)) {
    mkdirSync(dirname(join(scratch, file)), { recursive: true });
    cpSync(join(root, file), join(scratch, file), { verbatimSymlinks: true });
  }
  symlinkSync(join(root, 'node_modules'), join(scratch, 'node_modules'), 'dir');
}

/** Why the scenario is not covered; null: it is. */
function judge({ test, patch }) {
  const file = join(scratch, patch.file);
  const source = readFileSync(file, 'utf8');
  const places = source.split(patch.find).length - 1;
  if (places !== 1) return `the patch fits ${places} places of ${patch.file}`;
  const before = run(test);
  if (before.passed === 0 || before.failed > 0) return `without the patch ${told(before)}`;
  writeFileSync(
    file,
    source.replace(patch.find, () => patch.replace),
  );
  try {
    const after = run(test);
    if (after.broken) return `with the patch the test cannot be loaded: ${after.broken}`;
    return after.failed > 0 || after.hangs ? null : `with the patch ${told(after)}`;
  } finally {
    writeFileSync(file, source);
  }
}

function run({ file, name }) {
  const report = join(scratch, 'report.json');
  rmSync(report, { force: true });
  const words = [
    'jest',
    file,
    '--runInBand',
    '--forceExit',
    '--json',
    '--outputFile',
    report,
    '-t',
    `^${escaped(name)}$`,
  ];
  const done = spawnSync('npx', words, { cwd: scratch, stdio: 'ignore', timeout: LIMIT_MS, killSignal: 'SIGKILL' });
  if (done.error?.code === 'ETIMEDOUT') return { passed: 0, failed: 0, hangs: true };
  const { numPassedTests: passed, numFailedTests: failed, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const suite = testResults.find(({ assertionResults }) => assertionResults.length === 0);
  return { passed, failed, broken: suite?.message.split('\n').slice(0, 3).join(' ') };
}

function told({ passed, failed, hangs, broken }) {
  if (hangs) return `the test hangs for ${LIMIT_MS} ms`;
  if (broken) return `the test cannot be loaded: ${broken}`;
  return `${passed} pass and ${failed} fail`;
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
