// Who may import whom: the table of docs/architecture (rooms), as data and one pure function.
import { posix } from 'node:path'

const leaves = ['base', 'text']

/** Rooms of src/ that a room may import, besides the leaves; `type` after a colon: types only. */
const rooms = {
  base: [],
  text: [],
  wire: [],
  content: [],
  journal: [],
  policy: [],
  contract: ['content:type', 'policy:type'],
  storage: ['journal'],
  protocol: ['storage', 'wire', 'content'],
  grant: ['journal', 'policy'],
  audit: ['storage', 'journal', 'policy', 'grant'],
  engine: ['protocol', 'storage', 'content', 'wire', 'journal', 'policy', 'contract', 'grant'],
  cli: ['engine', 'policy', 'contract'],
  relay: ['wire', 'journal', 'policy:type'],
  main: ['contract', 'policy', 'journal:type', 'engine'],
  renderer: ['contract'],
}

/** Of these rooms others see these files only. */
const doors = {
  main: { engine: ['host.ts', 'port.ts'] },
  cli: { engine: ['host.ts', 'index.ts'] },
}

/** What tests may see beyond that: the engine's run against the real relay, the page's know the relay's limits. */
const testDoors = [
  { tests: /^src\/engine\/.*\.test\.ts$/, targets: ['src/relay/index.ts'] },
  {
    tests: /^src\/cli\/.*\.test\.ts$/,
    targets: ['src/engine/testing/relayProcess.ts', 'src/engine/testing/workstation.ts'],
  },
  { tests: /^renderer\/.*\.test\.tsx?$/, targets: ['src/wire/limits.ts', 'src/wire/invitation.ts'] },
]

const outside = ['build', 'e2e', 'bench']

/** @type {readonly { name: string, allows: (file: string) => boolean, where: string }[]} */
const packages = [
  {
    name: '@signalapp/libsignal-client',
    // The relay's tests play the clients.
    allows: (file) =>
      /^src\/(protocol|relay\/crypto|relay\/testing|grant)\/|^src\/relay\/.*\.test\.ts$/.test(file),
    where: 'src/protocol, src/relay/crypto and src/grant',
  },
  {
    name: '@signalapp/sqlcipher',
    allows: (file) => file === 'src/storage/binding.ts',
    where: 'src/storage/binding.ts',
  },
  { name: 'better-sqlite3', allows: (file) => file.startsWith('src/relay/'), where: 'src/relay' },
  { name: 'pg', allows: (file) => file.startsWith('src/relay/'), where: 'src/relay' },
  {
    name: 'electron',
    allows: (file) => /^(main|build\/default-app|bench\/bare)\//.test(file),
    where: 'main',
  },
]

/** @param {string} file path from the root, with forward slashes */
export function roomOf(file) {
  const [top = '', second = ''] = file.split('/')
  if (top === 'src') return second
  return top in rooms || outside.includes(top) ? top : null
}

/**
 * Why an import is not allowed, or null.
 * @param {string} file importing file, path from the root
 * @param {string} specifier as written
 * @param {boolean} typeOnly
 * @returns {string | null}
 */
export function forbiddenImport(file, specifier, typeOnly) {
  const room = roomOf(file)
  if (room === null) return null
  if (!specifier.startsWith('.')) return forbiddenPackage(file, room, specifier)
  const target = posix.join(posix.dirname(file), specifier)
  if (target.startsWith('..')) return `${specifier} lies outside the project`
  const other = roomOf(target)
  if (other === null || other === room) return null
  if (outside.includes(room)) return publicOnly(room, other, target)
  if (testDoors.some((door) => door.tests.test(file) && door.targets.includes(target))) return null
  return forbiddenRoom(room, other, target, typeOnly)
}

/** @param {string} file @param {string} room @param {string} specifier */
function forbiddenPackage(file, room, specifier) {
  if (room === 'renderer' && specifier.startsWith('node:')) return 'the renderer has no Node'
  const known = packages.find(({ name }) => specifier === name || specifier.startsWith(`${name}/`))
  return known && !known.allows(file) ? `${known.name} is imported in ${known.where} only` : null
}

/** @param {string} room @param {string} other @param {string} target */
function publicOnly(room, other, target) {
  const open =
    outside.includes(other) ||
    leaves.includes(other) ||
    /(^|\/)(entry\.[a-z]+|index|benchkit)\.ts$/.test(target)
  return open ? null : `${room} may import entries and the rooms' index.ts only`
}

/** @param {string} room @param {string} other @param {string} target @param {boolean} typeOnly */
function forbiddenRoom(room, other, target, typeOnly) {
  if (leaves.includes(other)) return room === 'base' ? 'base imports no other room' : null
  const allowed = rooms[/** @type {keyof typeof rooms} */ (room)]
  const entry = /** @type {readonly string[]} */ (allowed).find((one) => one.split(':')[0] === other)
  if (entry === undefined) return `${room} may not import ${other}`
  if (entry.endsWith(':type') && !typeOnly) return `${room} may import types only of ${other}`
  const door = /** @type {Record<string, Record<string, string[]>>} */ (doors)[room]?.[other]
  if (door && !door.includes(target.slice(`src/${other}/`.length))) {
    return `${room} sees of ${other} only ${door.join(' and ')}`
  }
  return null
}
