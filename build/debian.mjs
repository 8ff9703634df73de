// The Debian packages that running and testing need beyond Node, and how they get there.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Package, and the command, shared library or file by which its presence is seen. */
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
    ['postgresql-15', '/usr/lib/postgresql/15/bin/postgres'],
  ],
  peers: [
    ['mosquitto', 'mosquitto'],
    ['nats-server', 'nats-server'],
    ['rabbitmq-server', 'rabbitmq-server'],
  ],
}

/** While it is there and says 101, Debian starts no service that it installs. */
const servicePolicy = '/usr/sbin/policy-rc.d'

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
  const present = (/** @type {string} */ sign) => {
    if (sign.startsWith('/')) return existsSync(sign)
    return sign.includes('.so') ? libraries.includes(`${sign} `) : onPath(sign)
  }
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
  run('apt-get update -qq')
  withoutServices(() => (names.includes('postgresql-15') ? withoutCluster(() => run(command)) : run(command)))
}

/** @param {() => void} act */
function withoutServices(act) {
  if (existsSync(servicePolicy)) return act()
  writeFileSync(servicePolicy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    act()
  } finally {
    rmSync(servicePolicy, { force: true })
  }
}

/** @param {string} line */
function run(line) {
  const [program = '', ...args] = line.split(' ')
  const { status, stderr } = spawnSync(program, args, {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  if (status !== 0) throw new Error(`${line} failed:\n${stderr}`)
}

const clusterSettings = '/etc/postgresql-common/createcluster.conf'

/**
 * Debian's package makes and starts a server of its own. Tests start theirs, so that it is told not to for this once.
 * @param {() => void} install
 */
function withoutCluster(install) {
  run('apt-get install -y --no-install-recommends postgresql-common')
  const before = readFileSync(clusterSettings, 'utf8')
  writeFileSync(clusterSettings, `${before}\ncreate_main_cluster = false\n`)
  try {
    install()
  } finally {
    writeFileSync(clusterSettings, before)
  }
}
