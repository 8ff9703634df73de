import { once } from 'node:events'
import { join } from 'node:path'
import { _electron, errors, type ElectronApplication, type Page } from '@playwright/test'
import { createText } from '../../src/text/index.ts'
import type { Bridge, State } from '../../src/contract/index.ts'

/** A running Valise with its window. */
export interface Workstation {
  readonly app: ElectronApplication
  readonly page: Page
  readonly profile: string
  /** Its main process. */
  readonly pid: number
  /** What its main process wrote to standard output and error. */
  readonly log: () => string
  /** As closing the window does; nothing when it has ended already. */
  close(): Promise<void>
  /** As a power cut does: the main process gets SIGKILL. */
  kill(): Promise<void>
}

/** Longest wait for anything that a person would wait for, in ms. */
const patience = 60_000

export const passphrase = 'quatre mots pour les essais'

/** Sentences as the windows of these tests show them. */
export const text = createText('fr')

/** The Electron that the runner found, or the one of this checkout. */
export async function electronProgram(): Promise<string> {
  const given = process.env['VALISE_ELECTRON']
  if (given !== undefined) return given
  const { electronRuntime } = await import('../../build/electron-runtime.mjs')
  return (await electronRuntime()).exe
}

export interface LaunchOptions {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Arguments of a start on this profile, the app among them. */
export function launchArguments(profile: string, args: readonly string[] = []): string[] {
  // Without: each start on a virtual display begins with a graphics process that fails and is replaced.
  return [`--profile=${profile}`, '--lang=fr', '--disable-gpu', ...args, process.cwd()]
}

/** A start on a busy machine takes 3 s; about one in sixty never answers the debugger (Chromium's doing). */
const launchMs = 25_000
const launches = 4

export async function launchWorkstation(profile: string, options: LaunchOptions = {}): Promise<Workstation> {
  const app = await launchAgain(async () =>
    _electron.launch({
      executablePath: await electronProgram(),
      // Playwright adds --no-sandbox on Linux unless this is true; root cannot have the sandbox.
      chromiumSandbox: process.getuid?.() !== 0,
      cwd: process.cwd(),
      args: launchArguments(profile, options.args),
      env: { ...definedEnvironment(), ...options.env },
      timeout: launchMs,
    }),
  )
  // Taken now: after the end Playwright knows no process any more.
  const child = app.process()
  let log = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => (log += chunk.toString()))
  }
  const page = await app.firstWindow()
  page.setDefaultTimeout(patience)
  return {
    app,
    page,
    profile,
    pid: child.pid ?? 0,
    log: () => log,
    async close() {
      if (child.exitCode === null && child.signalCode === null) await app.close()
    },
    async kill() {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** Playwright ends a program that it gave up; another start is said aloud, so that more of them than usual are seen. */
async function launchAgain(launch: () => Promise<ElectronApplication>): Promise<ElectronApplication> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await launch()
    } catch (error) {
      if (!(error instanceof errors.TimeoutError) || tries === launches) throw error
      console.warn(`Electron did not answer within ${launchMs} ms and was started again`)
    }
  }
}

/** The least of Electron on a page, without any of Valise: what guards are compared with. */
export async function launchBare(folder: string, address: string): Promise<ElectronApplication> {
  return _electron.launch({
    executablePath: await electronProgram(),
    chromiumSandbox: process.getuid?.() !== 0,
    args: [`--user-data-dir=${folder}/bare`, join(process.cwd(), 'bench/bare'), `--page=${address}`],
  })
}

function definedEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

/** What the page would be told if it asked now. */
export async function readState(page: Page): Promise<State> {
  const snapshot = await page.evaluate(() => {
    const { valise } = globalThis as unknown as { valise: Bridge }
    return valise.calls['state.snapshot']({})
  })
  if (!snapshot.ok) throw new Error(snapshot.error.code)
  return snapshot.value.state
}

/** Waits until the page is in this phase. (Playwright's own waitForFunction needs eval, which the page's policy forbids.) */
export async function waitForPhase(page: Page, phase: State['phase']): Promise<void> {
  const until = Date.now() + patience
  for (let found = (await readState(page)).phase; found !== phase; found = (await readState(page)).phase) {
    if (Date.now() > until) throw new Error(`the window stayed in the phase ${found}`)
    await page.waitForTimeout(50)
  }
}

/** Enrols through the real screens, protected by a passphrase, or by the system's key store where there is one. */
export async function enrol(
  page: Page,
  invitation: string,
  protection: 'passphrase' | 'osKeyStore' = 'passphrase',
  typed: { readonly passphrase?: string; readonly deviceName?: string } = {},
): Promise<void> {
  await page.getByLabel(text('enrol.invitation'), { exact: true }).fill(invitation)
  const onward = page.getByRole('button', { name: text('enrol.continue') })
  await onward.click({ timeout: patience })
  await page.getByRole('heading', { name: text('enrol.protectTitle') }).waitFor({ timeout: patience })
  if (typed.deviceName !== undefined) {
    await page.getByLabel(text('enrol.deviceName'), { exact: true }).fill(typed.deviceName)
  }
  await page
    .getByRole('radio', { name: text(`enrol.${protection === 'passphrase' ? 'passphrase' : 'keyStore'}`) })
    .check()
  if (protection === 'passphrase') {
    await page
      .getByLabel(text('enrol.passphrase'), { exact: true })
      .and(page.locator('input:not([type=radio])'))
      .fill(typed.passphrase ?? passphrase)
    await page.getByLabel(text('enrol.confirm'), { exact: true }).fill(typed.passphrase ?? passphrase)
  }
  await page.locator('button[type=submit]').click()
  await waitForPhase(page, 'ready')
}

/** Opens a vault that asks for its passphrase. */
export async function unlock(page: Page, secret = passphrase): Promise<void> {
  await waitForPhase(page, 'locked')
  await page.locator('input[type=password]').fill(secret)
  await page.keyboard.press('Enter')
  await waitForPhase(page, 'ready')
}
