import { once } from 'node:events'
import { readFileSync, readlinkSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ElectronApplication, Page } from '@playwright/test'
import { callNames } from '../src/contract/index.ts'
import { expect, test } from './fixture.ts'
import { probes, probeTools } from './probes.ts'
import { listen } from './support/listener.ts'
import { launchBare, readState, waitForPhase, type Workstation } from './support/workstation.ts'

/** Runs one probe in the page, with a person's gesture so that nothing is refused for want of one. */
async function probe(page: Page, source: string, address: string): Promise<string | null> {
  const session = await page.context().newCDPSession(page)
  const body = `${probeTools}\n${source}`
  const expression = `(async (address) => { ${body} })(${JSON.stringify(address)})`
  const evaluated = session
    .send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
      userGesture: true,
      // Without this the inspector lets the page use eval.
      allowUnsafeEvalBlockedByCSP: false,
    })
    // The page went away under it.
    .catch(() => 'left' as const)
  const limit = new Promise<null>((resolve) => setTimeout(() => resolve(null), 4000))
  const answer = await Promise.race([evaluated, limit])
  if (answer === 'left') return answer
  if (answer === null || answer.exceptionDetails !== undefined) return null
  const { value } = answer.result as { value?: unknown }
  return typeof value === 'string' ? value : null
}

test('every hostile probe of a page is blocked, and nobody outside is ever reached', async ({
  workstation,
  folder,
}) => {
  const listener = await listen()
  const { app, page } = await workstation('probed')
  await waitForPhase(page, 'enrolment')
  for (const [name, source] of Object.entries(probes)) {
    expect.soft(await probe(page, source, listener.address), name).toBe(null)
    expect.soft(page.url(), name).toBe('app://main/index.html')
    expect.soft(app.windows().length, name).toBe(1)
  }
  await page.waitForTimeout(500)
  expect(listener.visits()).toBe(0)
  expect(Object.keys(probes).length).toBeGreaterThan(20)
  expect(readdirSync(folder, { recursive: true }).filter((name) => String(name).includes('planted'))).toEqual(
    [],
  )
  // The page is still ours and alive.
  expect((await readState(page)).phase).toBe('enrolment')
  await listener.close()
})

/** Probes that need more than a bare window offers, or that Chromium stops for any page of the network. */
const stoppedEverywhere: ReadonlySet<string> = new Set([
  // For a page of the network.
  'fetch of the own page',
  'fetch of a file',
  'picture from a file',
  'frame of a file',
  'frame of the own page',
  'service worker',
  // Would start the system’s browser by its unknown scheme.
  'window.open of the own page',
  // Without a device, or somebody to choose one.
  'permission: geolocation',
  'permission: microphone',
  'permission: camera',
  'permission: screen',
  'permission: usb',
  'permission: hid',
  'permission: serial',
  'permission: bluetooth',
  'permission: midi',
  'permission: file system',
  'permission: pointer lock',
  'a download',
  // There is no bridge, and no webview without asking for it.
  'webview element',
  'Node',
  'more on the bridge than the contract',
  'Electron through the bridge',
  'a changed bridge',
  'a replaced bridge',
])

/** After these the page is somewhere else, or still on its way there. */
const leaves = /location|form|meta refresh|document\.write|click on a link/

const triesOfAProbe = 4

test('the probes can succeed: in a bare Electron window they do', async ({ folder }) => {
  const listener = await listen()
  const open = async (): Promise<{ app: ElectronApplication; page: Page }> => {
    const app = await launchBare(folder, listener.address)
    const page = await app.firstWindow()
    await page.waitForLoadState()
    return { app, page }
  }
  let bare = await open()
  const succeeds = async (name: string, source: string): Promise<boolean> => {
    const before = { visits: listener.visits(), windows: bare.app.windows().length }
    const answer = await probe(bare.page, source, listener.address)
    const noticed = listener.visits() > before.visits || bare.app.windows().length > before.windows
    if (leaves.test(name)) {
      await endByForce(bare.app)
      bare = await open()
    }
    return answer !== null || noticed
  }
  for (const [name, source] of Object.entries(probes).filter(([known]) => !stoppedEverywhere.has(known))) {
    let succeeded = false
    // They wait for moments only: a machine that stands still for longer gets another try.
    for (let tries = 0; !succeeded && tries < triesOfAProbe; tries += 1)
      succeeded = await succeeds(name, source)
    expect.soft(succeeded, name).toBe(true)
  }
  await endByForce(bare.app)
  await listener.close()
})

/** Not closed in order: some probes leave questions open that nobody answers. */
async function endByForce(app: ElectronApplication): Promise<void> {
  const child = app.process()
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

test('the page has its policy and type on every answer, and 404 for all else', async ({ workstation }) => {
  const { app, page } = await workstation('headers')
  await waitForPhase(page, 'enrolment')
  const answers = await app.evaluate(async ({ session }) => {
    const ask = async (address: string) => {
      const answer = await session.fromPartition('valise').fetch(address)
      return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() }
    }
    return [
      await ask('app://main/index.html'),
      await ask('app://main/../../package.json'),
      await ask('app://main/%2e%2e/%2e%2e/package.json'),
      await ask('app://other/index.html'),
    ]
  })
  expect(answers.map(({ status }) => status)).toEqual([200, 404, 404, 404])
  expect(answers[0]?.headers).toMatchObject({
    'content-security-policy': expect.stringContaining("connect-src 'none'"),
    'x-content-type-options': 'nosniff',
    'cross-origin-opener-policy': 'same-origin',
    'content-type': 'text/html; charset=utf-8',
  })
  expect(answers.slice(1).map(({ body }) => body)).toEqual(['', '', ''])
})

test('every window has exactly the preferences of the factory', async ({ workstation }) => {
  const { app, page } = await workstation('preferences')
  await waitForPhase(page, 'enrolment')
  const preferences = await app.evaluate(({ webContents }) =>
    // Not in Electron's types, but its own documentation names it for this purpose.
    webContents
      .getAllWebContents()
      .map((contents) =>
        (contents as unknown as { getLastWebPreferences(): Record<string, unknown> }).getLastWebPreferences(),
      ),
  )
  expect(preferences).toHaveLength(1)
  expect(preferences[0]).toMatchObject({
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    experimentalFeatures: false,
    webviewTag: false,
  })
})

test('the sandbox is really on', async ({ workstation }) => {
  test.skip(process.platform !== 'linux' || process.getuid?.() === 0, 'Linux, as an ordinary user')
  const { app, page, pid } = await workstation('sandboxed')
  await waitForPhase(page, 'enrolment')
  expect(await app.evaluate(({ app: electron }) => electron.commandLine.hasSwitch('no-sandbox'))).toBe(false)
  const renderer = await app.evaluate(({ BrowserWindow }) =>
    BrowserWindow.getAllWindows()[0]?.webContents.getOSProcessId(),
  )
  expect(readFileSync(`/proc/${renderer}/status`, 'utf8')).toMatch(/^Seccomp:\s+2$/m)
  for (const name of ['user', 'pid', 'net']) {
    expect(readlinkSync(`/proc/${renderer}/ns/${name}`)).not.toBe(readlinkSync(`/proc/${pid}/ns/${name}`))
  }
})

/** Asks every channel from a page and returns the codes. */
async function askAll(page: Page, input: unknown): Promise<string[]> {
  return page.evaluate(
    async ({ names, sent }) => {
      const { valise } = globalThis as unknown as {
        valise: { calls: Record<string, (input: unknown) => Promise<unknown>> }
      }
      const codes: string[] = []
      for (const name of names) {
        const result = (await valise.calls[name]?.(sent)) as { ok: boolean; error?: { code: string } }
        codes.push(result.ok ? 'ok' : (result.error?.code ?? 'none'))
      }
      return codes
    },
    { names: callNames, sent: input },
  )
}

const onEach = (code: string): string[] => callNames.map(() => code)

test('each channel refuses malformed and oversized input', async ({ workstation }) => {
  const { page } = await workstation('malformed')
  await waitForPhase(page, 'enrolment')
  for (const bad of [null, 7, 'x', [], { extra: 1 }, { extra: { deep: [[[[[[[[[[1]]]]]]]]]] } }]) {
    expect(await askAll(page, bad), JSON.stringify(bad)).toEqual(onEach('ipc.malformed'))
  }
  expect(await askAll(page, { text: 'x'.repeat(300_000) })).toEqual(onEach('ipc.tooLarge'))
})

/** Opens a window that the factory did not make, with our preload, and returns its page. */
async function foreignWindow({ app }: Workstation, address: string): Promise<Page> {
  const opened = app.waitForEvent('window')
  const preload = join(process.cwd(), 'out/preload/entry.preload.cjs')
  await app.evaluate(
    async ({ BrowserWindow }, options) => {
      const webPreferences = { preload: options.preload, sandbox: true, partition: 'valise' }
      const window = new BrowserWindow({ show: false, webPreferences })
      await window.loadURL(options.address).catch(() => undefined)
    },
    { preload, address },
  )
  return opened
}

test('each channel refuses a window that the factory did not make', async ({ workstation }) => {
  const own = await workstation('foreign')
  await waitForPhase(own.page, 'enrolment')
  // The same page from the same origin, and a page of another origin.
  for (const address of ['app://main/index.html', 'data:text/html,<p>x']) {
    const foreign = await foreignWindow(own, address)
    expect(await askAll(foreign, {}), address).toEqual(onEach('ipc.foreignSender'))
    await foreign.close()
  }
  expect((await readState(own.page)).phase).toBe('enrolment')
})
