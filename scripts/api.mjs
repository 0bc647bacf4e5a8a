// Compares the public surface of dist/ with etc/*.api.md; with --update it writes them instead.
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';
import { fileURLToPath } from 'node:url';

const update = process.argv.includes('--update');
const results = ['api-extractor.json', 'api-extractor.testing.json'].map((name) =>
  Extractor.invoke(ExtractorConfig.loadFileAndPrepare(fileURLToPath(new URL(`../etc/${name}`, import.meta.url))), {
    localBuild: update,
    messageCallback: (message) => {
      if (!['error', 'warning'].includes(message.logLevel)) message.handled = true;
    },
  }),
);
if (results.every(({ succeeded }) => succeeded)) process.exit(0);
console.error(
  'The public surface is not the one of etc/*.api.md. If that is meant: `npm run api`, read the difference, and commit it with the change.',
);
process.exit(1);
