/** Who may import whom. test/house.test.ts plants a violation of every rule and expects it to be caught. */
const confined = require('./scripts/confined-packages.json')

/**
 * Folder -> the folders that it may import besides itself. The arrow: schemas <- topics <- engine <- inference, verifiers <-
 * domains <- processors, exports <- pages <- cli; curation stands on schemas alone, the simulator on nothing.
 */
const mayImport = {
  schemas: [],
  topics: ['schemas'],
  engine: ['schemas', 'topics'],
  curation: ['schemas'],
  inference: ['schemas', 'topics', 'engine'],
  verifiers: ['schemas', 'topics', 'engine'],
  domains: ['schemas', 'topics', 'engine', 'curation', 'verifiers'],
  processors: ['schemas', 'topics', 'engine', 'curation', 'domains'],
  exports: ['schemas', 'topics', 'engine', 'curation', 'domains'],
  pages: ['schemas', 'topics', 'engine', 'exports'],
  simulator: [],
  cli: [
    ...['schemas', 'topics', 'engine', 'curation', 'inference', 'verifiers', 'domains', 'processors', 'exports'],
    ...['pages', 'simulator'],
  ],
}
const folders = Object.keys(mayImport)
/** Tests, measurements and scripts stand outside: they may import all, and nothing of the house may import them. */
const outside = ['test', 'bench', 'scripts']

const anyOf = (names) => `^(${names.join('|')})/`
const escape = (text) => text.replaceAll('/', '\\/').replaceAll('.', '\\.')

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Files that import each other, types included, cannot be read or tested apart.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    ...folders.map((folder) => ({
      name: `arrow-of-${folder}`,
      comment: `${folder}/ may import ${mayImport[folder].map((name) => `${name}/`).join(', ') || 'no other folder'}.`,
      severity: 'error',
      from: { path: `^${folder}/` },
      to: {
        path: anyOf([...folders, ...outside].filter((name) => name !== folder && !mayImport[folder].includes(name))),
      },
    })),
    {
      name: 'domains-use-pure-verifiers',
      comment:
        'domains/ may use what verifiers compute, never their threads: verifiers/math.ts and verifiers/program.ts.',
      severity: 'error',
      from: { path: '^domains/' },
      to: { path: '^verifiers/', pathNot: '^verifiers/(math|program)\\.ts$' },
    },
    {
      name: 'processors-stand-alone',
      comment: 'Topics are the only road between processors. processors/index.ts lists them.',
      severity: 'error',
      from: { path: '^processors/', pathNot: '^processors/index\\.ts$' },
      to: { path: '^processors/' },
    },
    ...Object.entries(confined).map(([name, places]) => ({
      name: `confined-${name.replace(/[@/]+/g, '-').replace(/^-/, '')}`,
      comment: `Only ${places.join(', ')} may import ${name}.`,
      severity: 'error',
      from: { path: anyOf(folders), pathNot: `^(${places.map(escape).join('|')})` },
      to: { path: `(^|node_modules/)${escape(name)}(/|$)` },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
}
