// What is in the tarball, and whether its entries resolve for everyone. Needs a build.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack, root } from './pack.mjs';

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const into = mkdtempSync(join(tmpdir(), 'holdfast-pack-'));
const problems = [];
try {
  const { tarball, files } = pack(into);
  const has = new Set(files);

  for (const file of ['LICENSE', 'README.md', 'CHANGELOG.md', 'package.json', 'docs/architecture.md', 'dist/main.js'])
    if (!has.has(file)) problems.push(`${file} is not in the package`);

  for (const target of targets([manifest.main, manifest.types, manifest.bin, manifest.exports]))
    if (!has.has(target.replace(/^\.\//, '')))
      problems.push(`package.json names ${target}, which is not in the package`);

  for (const file of files) {
    if (/^(package\.json|LICENSE|README\.md|CHANGELOG\.md|docs\/[\w-]+\.md)$/.test(file)) continue;
    const source = /^dist\/(?<name>.+?)\.(js|d\.ts)$/.exec(file)?.groups?.name;
    if (source === undefined) problems.push(`${file} is no file for users`);
    else if (/\.(spec|fixture)$/.test(source)) problems.push(`${file} is a test`);
    else if (!existsSync(join(root, 'src', `${source}.ts`))) problems.push(`${file} is stale: it has no source`);
  }

  for (const file of files.filter((name) => name.endsWith('.js')))
    if (/^\/\/# sourceMappingURL=/m.test(readFileSync(join(root, file), 'utf8')))
      problems.push(`${file} names a source map that is not in the package`);

  if (!readFileSync(join(root, manifest.bin.holdfast), 'utf8').startsWith('#!/usr/bin/env node\n'))
    problems.push(`${manifest.bin.holdfast} has no first line for the shell`);

  run('publint', ['--strict', '--pack', 'false', root]);
  run('attw', [tarball, '--profile', 'node16', '--no-emoji', '--quiet']);
  if (problems.length === 0)
    console.log(`${manifest.name} ${manifest.version}: ${files.length} files, as they should be`);
} finally {
  rmSync(into, { recursive: true, force: true });
}
if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exitCode = 1;
}

/** All strings in a tree. */
function targets(tree) {
  return typeof tree === 'string' ? [tree] : Object.values(tree).flatMap(targets);
}

function run(tool, args) {
  const { status } = spawnSync(join(root, 'node_modules', '.bin', tool), args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) problems.push(`${tool} does not accept the package`);
}
