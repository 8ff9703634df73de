import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { app } from 'electron'
import { reportOf } from '../src/base/errors.ts'
import { runApplication } from './application.ts'
import { reportStart } from './bench.ts'
import type { Profile } from './profile.ts'
import { refuseStart } from './refusal.ts'
import { developmentServer, prepareStart } from './startup.ts'

const mainAt = Date.now()

// SECURITY 1: whatever this process or a library writes is for this user alone.
process.umask(0o077)

function tryPrepare(): Profile | null {
  try {
    return prepareStart()
  } catch (error) {
    void refuseStart(reportOf(error))
    return null
  }
}

const profile = tryPrepare()
if (profile !== null) {
  // Never awaited at top level: Electron holds `ready` back until this module has run.
  void app.whenReady().then(() => {
    const readyAt = Date.now()
    const out = join(fileURLToPath(import.meta.url), '../..')
    const { windows } = runApplication({ profile, out, developmentServer: developmentServer() })
    reportStart(windows.open(), mainAt, readyAt)
  })
}
