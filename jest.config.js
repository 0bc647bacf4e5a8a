// Jest on Node 20 cannot load ESM-only packages by itself, so swc compiles those too (Nest 12 and its friends).
const esmPackages = [
  '@nestjs',
  'file-type',
  'strtok3',
  'token-types',
  '@tokenizer',
  'uint8array-extras',
  'es-toolkit',
  'js-yaml',
  'fast-check',
  'pure-rand',
  'dotenv',
  'cron',
  'load-esm',
  'croner',
];

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/src', '<rootDir>/test', '<rootDir>/examples'],
  testMatch: ['**/*.spec.ts'],
  testTimeout: 30_000,
  // Many suites wait for processes: two at a time, also where there are two cores.
  maxWorkers: 2,
  // A worker that has grown by a hundred suites takes longer to exit than the 500 ms after which Jest says that it failed to, though nothing is open.
  workerIdleMemoryLimit: '768MB',
  moduleNameMapper: {
    '^holdfast$': '<rootDir>/src/index.ts',
    '^holdfast/testing$': '<rootDir>/src/testing/index.ts',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          target: 'es2022',
          keepClassNames: true,
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
        },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
    '^.+\\.m?js$': ['@swc/jest', { jsc: { target: 'es2022' }, module: { type: 'commonjs' } }],
  },
  // What is built runs as it is installed.
  transformIgnorePatterns: [`/node_modules/(?!(${esmPackages.join('|')})/)`, '<rootDir>/dist/'],
};
