import tseslint from 'typescript-eslint';
import importX from 'eslint-plugin-import-x';

/**
 * Rooms and what each may import (arrows point down, see docs/architecture.md).
 * `domain` imports nothing but itself; whatever is not listed for a room is forbidden to it.
 */
const below = {
  domain: [],
  clock: [],
  logging: [],
  sqlite: [],
  'event-store': ['clock', 'logging', 'sqlite'],
  commands: ['domain', 'clock', 'logging', 'event-store'],
  'read-model': ['domain', 'clock', 'logging', 'sqlite', 'event-store'],
  membership: ['domain', 'clock', 'logging', 'event-store', 'commands', 'read-model'],
  // The sweep and the worker meet membership through its port only, and each other through `ownership/starts-runs`.
  ownership: ['domain', 'clock', 'logging', 'event-store', 'commands', 'read-model', 'membership'],
  worker: ['domain', 'clock', 'logging', 'event-store', 'commands', 'read-model', 'membership', 'ownership'],
  queries: ['domain', 'clock', 'logging', 'event-store', 'commands', 'read-model'],
  declarations: ['domain', 'clock', 'logging', 'commands', 'read-model'],
  audit: ['domain', 'clock', 'logging', 'event-store'],
  copy: ['domain', 'clock', 'event-store', 'audit'],
  runtime: [
    'domain',
    'clock',
    'logging',
    'event-store',
    'commands',
    'read-model',
    'membership',
    'ownership',
    'worker',
    'queries',
    'declarations',
    'audit',
  ],
  http: ['domain', 'commands', 'queries', 'audit', 'runtime'],
  cli: ['domain', 'clock', 'logging', 'event-store', 'audit', 'copy', 'commands', 'read-model', 'queries', 'runtime'],
};
const rooms = [...Object.keys(below), 'module', 'testing'];
const zones = Object.entries(below).map(([room, allowed]) => ({
  target: `./src/${room}/**/!(*.spec).ts`,
  from: `./src/{${rooms.filter((r) => r !== room && !allowed.includes(r)).join(',')}}/**`,
  message: `${room} may import only: ${allowed.join(', ') || 'itself'}.`,
}));

const outsideTime = [
  { object: 'Date', property: 'now', message: 'Time comes from the injected Clock.' },
  { object: 'Math', property: 'random', message: 'Randomness comes from the injected Random.' },
  { object: 'performance', property: 'now', message: 'Time comes from the injected Clock.' },
  { object: 'process', property: 'hrtime', message: 'Time comes from the injected Clock.' },
];

export default tseslint.config(
  { ignores: ['dist/**', 'build/**', 'node_modules/**', '.holdfast/**', 'coverage/**'] },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.recommended],
    plugins: { 'import-x': importX },
    languageOptions: { parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_|_TYPE$' }],
      '@typescript-eslint/switch-exhaustiveness-check': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'import-x/no-restricted-paths': ['error', { zones }],
    },
  },
  {
    // What an installed Holdfast imports, an installed Holdfast must have got.
    files: ['src/**/*.ts'],
    ignores: ['src/**/*.spec.ts', 'src/**/*.fixture.ts'],
    rules: {
      'import-x/no-extraneous-dependencies': ['error', { devDependencies: false, includeTypes: true }],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/clock/**', 'src/**/*.spec.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval', 'setImmediate'].map((name) => ({
          name,
          message: 'Whatever waits takes the injected Clock.',
        })),
      ],
      'no-restricted-properties': ['error', ...outsideTime],
      'no-restricted-syntax': [
        'error',
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: 'Time comes from the injected Clock.',
        },
      ],
    },
  },
  {
    // The worker reads one thing only.
    files: ['src/worker/**/*.ts'],
    ignores: ['src/worker/**/*.spec.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: '../read-model',
              allowImportNames: ['OwnJobs', 'JobRow'],
              message: 'The worker reads OwnJobs(serviceId) and nothing else.',
            },
          ],
        },
      ],
    },
  },
);
