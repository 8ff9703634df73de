// The Debian packages that running and testing need beyond Node, and how they get there.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Package, and the command or shared library by which its presence is seen. */
const wanted = {
  run: [
    ['libgtk-3-0', 'libgtk-3.so.0'],
    ['libnss3', 'libnss3.so'],
    ['libasound2', 'libasound.so.2'],
    ['libgbm1', 'libgbm.so.1'],
    ['unzip', 'unzip'],
  ],
  display: [
    ['xvfb', 'Xvfb'],
    ['xauth', 'xauth'],
  ],
  test: [
    ['dbus', 'dbus-run-session'],
    ['gnome-keyring', 'gnome-keyring-daemon'],
    ['chromium', 'chromium'],
    ['openssl', 'openssl'],
    ['gcc', 'cc'],
    ['libc6-dev', 'gencat'],
  ],
}

/** @param {string} command */
function onPath(command) {
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'].some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** @param {readonly (keyof typeof wanted)[]} purposes */
function missing(purposes) {
  const libraries = spawnSync('/sbin/ldconfig', ['-p'], { encoding: 'utf8' }).stdout ?? ''
  const present = (/** @type {string} */ sign) =>
    sign.includes('.so') ? libraries.includes(`${sign} `) : onPath(sign)
  return purposes
    .flatMap((purpose) => wanted[purpose])
    .filter(([, sign = '']) => !present(sign))
    .map(([name = '']) => name)
}

/**
 * Installs what is missing when that can be done without asking (root on Debian or Ubuntu); throws an error with the
 * exact command otherwise. Does nothing on other systems: Electron needs no packages there.
 * @param {readonly (keyof typeof wanted)[]} purposes
 */
export function provideDebianPackages(purposes) {
  if (process.platform !== 'linux') return
  const names = missing(purposes)
  if (names.length === 0) return
  const command = `apt-get install -y --no-install-recommends ${names.join(' ')}`
  if (process.getuid?.() !== 0 || !onPath('apt-get')) {
    throw new Error(
      `Missing on this machine: ${names.join(', ')}. Run: sudo apt-get update && sudo ${command}`,
    )
  }
  console.log(`installing ${names.join(', ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const line of ['apt-get update -qq', command]) {
    const [program = '', ...args] = line.split(' ')
    const { status, stderr } = spawnSync(program, args, {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    if (status !== 0) throw new Error(`${line} failed:\n${stderr}`)
  }
}
