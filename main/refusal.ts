import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { app, dialog } from 'electron'
import type { ErrorReport } from '../src/base/errors.ts'
import { createText, errorText } from '../src/text/index.ts'
import { exitCodeOf } from './exitCodes.ts'

/**
 * Ends a start that may not go on: the sentence in both languages (nobody has chosen one yet) on stderr and in a
 * dialog, then the exit code of `exitCodes.ts`. A second instance shows no dialog: the first one comes to the front.
 */
export async function refuseStart(report: ErrorReport): Promise<void> {
  const french = errorText(createText('fr'), report.code)
  const english = errorText(createText('en'), report.code)
  process.stderr.write(`Valise: ${report.code}\n${french}\n${english}\n`)
  const code = exitCodeOf(report.code)
  if (report.code === 'profile.inUse' || silent()) return app.exit(code)
  // Chromium must write somewhere until the dialog is closed, and the profile is what was refused.
  const folder = mkdtempSync(join(tmpdir(), 'valise-refused-'))
  app.setPath('userData', folder)
  app.setPath('sessionData', folder)
  await app.whenReady()
  await dialog.showMessageBox({
    type: 'error',
    title: 'Valise',
    message: french,
    detail: english,
    noLink: true,
  })
  rmSync(folder, { recursive: true, force: true })
  app.exit(code)
}

/** Tests of refused starts have nobody to close a dialog; a packaged build knows no such switch. */
function silent(): boolean {
  return !app.isPackaged && process.env['VALISE_DIALOGS'] === 'stderr'
}
