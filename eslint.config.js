import { readFileSync } from 'node:fs'
import js from '@eslint/js'
import { defineConfig } from 'eslint/config'
import tseslint from 'typescript-eslint'

/** Package -> the only places that may import it. The dependency rule reads the same table (and sees dynamic imports). */
const confined = Object.entries(JSON.parse(readFileSync(new URL('scripts/confined-packages.json', import.meta.url))))

/** Tests, scripts and measurements stand outside the house: they may read the environment and drive any package. */
const outside = ['test/**', 'scripts/**', 'bench/**', '*.config.*']

const environmentMessage = 'Only engine/environment.ts reads the environment.'
const noEnvironmentImport = ['process', 'node:process'].map((name) => ({
  name,
  importNames: ['env'],
  message: environmentMessage,
}))

function noImportsOf(packages, otherPaths = noEnvironmentImport) {
  const message = (name, places) => `Only ${places.join(', ')} may import ${name}.`
  return {
    '@typescript-eslint/no-restricted-imports': [
      'error',
      {
        paths: [...packages.map(([name, places]) => ({ name, message: message(name, places) })), ...otherPaths],
        patterns: packages.map(([name, places]) => ({ group: [`${name}/*`], message: message(name, places) })),
      },
    ],
  }
}

const anySignalMessage =
  'AbortSignal.any leaves something at each source for ever in Node 20, and sources live for weeks: add listeners, and remove them.'

const toGlob = (place) => (place.endsWith('/') ? `${place}**` : place)

export default defineConfig(
  { ignores: ['dist/', 'coverage/', 'wellspring-data/', 'demo-data/', 'schemas/generated.ts'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    rules: {
      eqeqeq: 'error',
      // The compiler knows which names exist.
      'no-undef': 'off',
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'inline-type-imports', disallowTypeAnnotations: false },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/no-shadow': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Processors take what they need out of their context by name; the engine binds it.
      '@typescript-eslint/unbound-method': 'off',
      // A processor's `process` may be async by its type alone; the compiler already checks what is returned.
      '@typescript-eslint/require-await': 'off',
      // An abort's reason is passed on as it came.
      '@typescript-eslint/prefer-promise-reject-errors': [
        'error',
        { allowThrowingAny: true, allowThrowingUnknown: true },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
    },
  },
  {
    files: ['**/*.ts'],
    ignores: outside,
    rules: {
      ...noImportsOf(confined),
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: environmentMessage },
        { object: 'AbortSignal', property: 'any', message: anySignalMessage },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: "MemberExpression[property.name='env'] > MemberExpression[property.name='process']",
          message: environmentMessage,
        },
      ],
    },
  },
  {
    files: ['engine/environment.ts'],
    rules: { ...noImportsOf(confined, []), 'no-restricted-properties': 'off', 'no-restricted-syntax': 'off' },
  },
  // A place of its own packages: the other packages stay restricted there.
  ...[...new Set(confined.flatMap(([, places]) => places))].map((place) => ({
    files: [toGlob(place)],
    rules: noImportsOf(confined.filter(([, places]) => !places.includes(place))),
  })),
)
