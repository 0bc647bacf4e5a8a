// Makes the package.json of an image: what the package leaves to its host becomes a dependency, at the version that it is tested with.
import { readFileSync, writeFileSync } from 'node:fs';

const file = JSON.parse(readFileSync('package.json', 'utf8'));
for (const name of Object.keys(file.peerDependencies)) {
  const version = file.devDependencies[name];
  if (version === undefined) throw new Error(`${name} is a peer, and no version of it is pinned in devDependencies`);
  file.dependencies[name] = version;
  delete file.devDependencies[name];
}
writeFileSync('package.json', `${JSON.stringify(file, null, 2)}\n`);
