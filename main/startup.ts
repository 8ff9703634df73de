import { join } from 'node:path'
import { app, Menu, protocol } from 'electron'
import { CodedError } from '../src/base/errors.ts'
import { schemePrivileges } from './appProtocol.ts'
import { prepareProfile, profileAt, type Profile } from './profile.ts'
import { profileSwitch, refuseSwitches } from './switches.ts'

/**
 * Everything that must happen before `ready`: switches, profile folder, the lock of the profile, Chromium's settings.
 * Throws `switch.refused`, `argument.invalid`, `profile.*`; nothing of Chromium has touched the disk by then.
 */
export function prepareStart(): Profile {
  const argv = process.argv.slice(1)
  refuseSwitches(argv, process.platform, app.isPackaged)
  const profile = profileAt(profileSwitch(argv), join(app.getPath('appData'), 'Valise'))
  prepareProfile(profile)
  app.setPath('userData', profile.chromium)
  app.setPath('sessionData', profile.chromium)
  // The lock lies in userData, so it is one instance a profile.
  if (!app.requestSingleInstanceLock()) throw new CodedError('profile.inUse')
  restrictChromium()
  return profile
}

function restrictChromium(): void {
  protocol.registerSchemesAsPrivileged([schemePrivileges])
  // With --no-sandbox (root in tests, never packaged) enableSandbox would drop the switch for children, which then die.
  if (app.isPackaged || !app.commandLine.hasSwitch('no-sandbox')) app.enableSandbox()
  // SECURITY 7, 10: no name is ever looked up by Chromium, not even for a dns-prefetch hint that no CSP governs.
  if (developmentServer() === null) app.commandLine.appendSwitch('host-resolver-rules', 'MAP * ~NOTFOUND')
  app.commandLine.appendSwitch('disable-background-networking')
  app.commandLine.appendSwitch('no-pings')
  // SECURITY 1: shader and code caches would be files.
  app.commandLine.appendSwitch('disable-gpu-shader-disk-cache')
  app.commandLine.appendSwitch('disable-breakpad')
  if (process.platform !== 'darwin') Menu.setApplicationMenu(null)
}

/** Address of Vite's server, in development only. */
export function developmentServer(): string | null {
  return app.isPackaged ? null : (process.env['RENDERER_URL'] ?? null)
}
