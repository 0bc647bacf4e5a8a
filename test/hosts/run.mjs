/**
 * Packs Holdfast and installs it into applications that know nothing of this repository: Nest 11 and 12, CommonJS and ESM. In each:
 * type check, one job through the module, one copy of what must be one, an end without anything left running.
 * Then what is optional is taken away, and the messages are read. Needs a build. Arguments: names of hosts; default: all.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pack, root } from '../../scripts/pack.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const wanted = process.argv.slice(2);
const names = ['nest11-cjs', 'nest12-cjs', 'nest12-esm'].filter((name) => wanted.length === 0 || wanted.includes(name));
const work = mkdtempSync(join(tmpdir(), 'holdfast-hosts-'));

const tsconfig = {
  compilerOptions: {
    module: 'nodenext',
    target: 'ES2023',
    lib: ['ES2023'],
    types: ['node'],
    rootDir: 'src',
    outDir: 'dist',
    strict: true,
    skipLibCheck: false,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
  },
  include: ['src'],
};

try {
  const { tarball } = pack(work);
  for (const name of names) await host(name, tarball);
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function host(name, tarball) {
  const dir = join(work, name);
  const began = performance.now();
  const template = readJson(join(here, name, 'package.json'));
  mkdirSync(join(dir, 'src'), { recursive: true });
  writeFileSync(
    join(dir, 'package.json'),
    JSON.stringify({ ...template, dependencies: { ...template.dependencies, holdfast: `file:${tarball}` } }),
  );
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify(tsconfig));
  cpSync(join(here, 'app.ts'), join(dir, 'src', 'app.ts'));

  // No scripts: the one that matters compiles better-sqlite3 for more than a minute. What `npm ci` compiled here is copied instead.
  const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  succeeded(await run('npm', install, { cwd: dir, limitMs: 180_000 }), 'npm install');
  const sqlite = join('node_modules', 'better-sqlite3');
  assert.equal(
    readJson(join(dir, sqlite, 'package.json')).version,
    readJson(join(root, sqlite, 'package.json')).version,
  );
  const binary = join(sqlite, 'build', 'Release', 'better_sqlite3.node');
  cpSync(join(root, binary), join(dir, binary));

  for (const one of [
    '@nestjs/common',
    '@nestjs/core',
    '@nestjs/cqrs',
    '@nestjs/schedule',
    'class-validator',
    'rxjs',
    'reflect-metadata',
  ])
    assert.deepEqual(copies(join(dir, 'node_modules'), one), [join(dir, 'node_modules', one)], `one copy of ${one}`);
  for (const none of ['jest', 'pino', '@types/better-sqlite3', '@nestjs/platform-express'])
    assert.deepEqual(copies(join(dir, 'node_modules'), none), [], `${none} is not brought along`);

  // The declarations of others may have faults of their own; ours must have none, nor may the application.
  const types = await run('node', [join('node_modules', 'typescript', 'bin', 'tsc'), '--pretty', 'false'], {
    cwd: dir,
  });
  const faults = types.out.split('\n').filter((line) => /error TS/.test(line));
  const ours = faults.filter((line) => !/^node_modules\/(?!holdfast\/)/.test(line));
  assert.deepEqual(ours, [], 'type check');

  const ran = succeeded(
    await run('node', [join('dist', 'app.js'), join(dir, 'state')], { cwd: dir, limitMs: 30_000 }),
    'the application',
  );
  const { runs, ...rest } = JSON.parse(ran.out.trim().split('\n').at(-1));
  const seen = ['guard holdfast refused', 'guard holdfast run', 'per run per-run', 'tick'];
  assert.deepEqual(rest, {
    ...{ scheduled: 'greeting', owner: 'host-1', seen, tested: 2 },
    ...{ late: [false, true], clock: true, random: true },
  });
  assert.equal(runs.length, 1, 'the handler ran once');
  assert.deepEqual([runs[0].whom, runs[0].attempt], ['world', 1]);
  assert.match(runs[0].fencingToken, /^\d+$/);
  assert.ok(
    ran.idleMs < 2_000,
    `the process ended ${Math.round(ran.idleMs)} ms after its last line: something was left running`,
  );

  const verdict = succeeded(
    await run(join(dir, 'node_modules', '.bin', 'holdfast'), ['verify', join(dir, 'state', 'log.sqlite')], {
      cwd: dir,
    }),
    'holdfast verify',
  );
  assert.match(verdict.out, /no violation/);

  await namesAreSeenByEsm(dir);
  await withoutExpress(dir);
  await withoutSqlite(dir, sqlite);
  const others = faults.length === 0 ? '' : `, ${faults.length} type faults in others' declarations`;
  console.log(`${name}: sound (${((performance.now() - began) / 1_000).toFixed(0)} s${others})`);
}

/** Whatever `require` gives, `import { … }` must give by name: Node finds those names by reading the text of our modules. */
async function namesAreSeenByEsm(cwd) {
  const program = `
    import { createRequire } from 'node:module';
    const require = createRequire(process.cwd() + '/');
    const missing = [];
    for (const entry of ['holdfast', 'holdfast/testing']) {
      const names = Object.keys(require(entry));
      if (names.length < 5) missing.push(entry + ' exports next to nothing');
      const seen = await import(entry);
      missing.push(...names.filter((name) => seen[name] !== require(entry)[name] || seen[name] === undefined));
    }
    console.log(JSON.stringify(missing));`;
  const { out } = succeeded(await run('node', ['--input-type=module', '-e', program], { cwd }), 'import by name');
  assert.deepEqual(JSON.parse(out), []);
}

async function withoutExpress(cwd) {
  const service = await run(
    'node',
    [join('node_modules', 'holdfast', 'dist', 'main.js'), '--port', '0', '--state', join(cwd, 'alone')],
    { cwd },
  );
  assert.equal(service.code, 1);
  assert.match(service.err, /needs @nestjs\/platform-express .*npm install @nestjs\/platform-express/);
  assert.equal(existsSync(join(cwd, 'alone')), false, 'nothing was begun');
}

/** Everything that opens no file works without the driver; what opens one says what to install. */
async function withoutSqlite(cwd, sqlite) {
  renameSync(join(cwd, sqlite), join(cwd, 'better-sqlite3.away'));
  const program = `
    const { previewSchedule, MemoryEventStore } = require('holdfast');
    const { allRunners, specification } = require('holdfast/testing');
    const pause = { kind: 'PauseJob', at: 0, zoneData: '2026a', commandId: 'c', reason: 'x' };
    const spec = specification('pauses in vain').when(pause).thenRefused('job-unknown');
    Promise.all(allRunners.map((runner) => runner.run(spec))).then((all) =>
      console.log(all.length, typeof previewSchedule, typeof MemoryEventStore));`;
  const without = succeeded(
    await run('node', ['--input-type=commonjs', '-e', program], { cwd }),
    'without better-sqlite3',
  );
  assert.equal(without.out.trim(), '2 function function');

  const failing = await run('node', [join('dist', 'app.js'), join(cwd, 'state')], { cwd });
  assert.equal(failing.code, 1);
  assert.match(failing.err, /needs the package better-sqlite3 \(\^12[.\d]*\), which is not installed/);
  assert.match(failing.err, /npm install better-sqlite3@\^12/);
}

/** Runs a command to its end, without a shell. `idleMs`: from its last output to its end. */
function run(command, args, { cwd, limitMs = 60_000 }) {
  return new Promise((resolve) => {
    let last = performance.now();
    const child = execFile(
      command,
      args,
      { cwd, timeout: limitMs, killSignal: 'SIGKILL', maxBuffer: 1 << 26 },
      (error, out, err) =>
        resolve({ code: error ? (error.code ?? error.signal) : 0, out, err, idleMs: performance.now() - last }),
    );
    child.stdout.on('data', () => (last = performance.now()));
  });
}

function succeeded(result, what) {
  assert.equal(result.code, 0, `${what} failed (${result.code}):\n${result.out}\n${result.err}`);
  return result;
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** Where a package lies below a node_modules folder, however deep. */
function copies(modules, name) {
  if (!existsSync(modules)) return [];
  const packages = readdirSync(modules).flatMap((entry) =>
    entry.startsWith('@') ? readdirSync(join(modules, entry)).map((inner) => join(entry, inner)) : [entry],
  );
  return [
    ...packages.filter((entry) => entry === name).map((entry) => join(modules, entry)),
    ...packages.flatMap((entry) => copies(join(modules, entry, 'node_modules'), name)),
  ];
}
