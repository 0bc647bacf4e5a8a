// Each scenario of test/scenarios/scenarios.json: its test passes on the product as it is, and fails with the scenario's one-line patch.
//   npm run mutants                 all of them, in a scratch copy of this checkout
//   npm run mutants -- ID …         some of them
// Not in CI. Last line: scenarios, and how many patches their tests did not catch; exit status 1 when there is one.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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
    const { caught, words } = judge(scenario);
    if (!caught) missed += 1;
    console.log(`${caught ? 'caught' : 'MISSED'}  ${scenario.id}: ${words}`);
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

/** Whether the test tells the patched product from the product, and how that shows. */
function judge({ test, patch }) {
  const file = join(scratch, patch.file);
  const source = readFileSync(file, 'utf8');
  const places = source.split(patch.find).length - 1;
  if (places !== 1) return { caught: false, words: `the patch fits ${places} places of ${patch.file}` };
  const before = run(test);
  if (before.passed !== 1 || before.failed > 0) return { caught: false, words: `without the patch ${told(before)}` };
  writeFileSync(
    file,
    source.replace(patch.find, () => patch.replace),
  );
  try {
    const after = run(test);
    // A product that cannot be loaded shows nothing.
    const caught = after.broken === undefined && (after.failed > 0 || after.hangs === true);
    return { caught, words: caught ? (after.message ?? told(after)) : `with the patch ${told(after)}` };
  } finally {
    writeFileSync(file, source);
  }
}

function run({ file, name }) {
  const report = join(scratch, 'report.json');
  rmSync(report, { force: true });
  const words = [
    join(root, 'node_modules/jest/bin/jest.js'),
    file,
    '--runInBand',
    '--forceExit',
    '--json',
    '--outputFile',
    report,
    '-t',
    `^${escaped(name)}$`,
  ];
  const done = spawnSync(process.execPath, words, {
    cwd: scratch,
    stdio: 'ignore',
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  if (done.error?.code === 'ETIMEDOUT') return { passed: 0, failed: 0, hangs: true };
  if (!existsSync(report)) return { passed: 0, failed: 0, broken: 'it ended without a report' };
  const { numPassedTests: passed, numFailedTests: failed, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  const suite = testResults.find(({ assertionResults }) => assertionResults.length === 0);
  const [message] = testResults.flatMap(({ assertionResults }) =>
    assertionResults.flatMap((one) => one.failureMessages),
  );
  return { passed, failed, message: message && brief(message), broken: suite && brief(suite.message) };
}

function told({ passed, failed, hangs, broken }) {
  if (hangs) return `the test hangs for ${LIMIT_MS} ms`;
  if (broken) return `the test cannot be loaded: ${broken}`;
  return `${passed} pass and ${failed} fail`;
}

function brief(text) {
  const plain = text.replace(/\u001b\[[0-9;]*m/g, '').split(/\n\s+at /)[0];
  return plain.split(/\s+/).join(' ').slice(0, 160);
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
