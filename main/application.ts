import { hostname } from 'node:os'
import { join } from 'node:path'
import { app, type BrowserWindow, ipcMain, safeStorage, session, type IpcMainInvokeEvent } from 'electron'
import { calls, eventChannel, type CallName, type Delta, type MainCallName } from '../src/contract/index.ts'
import type { EngineHost } from '../src/engine/host.ts'
import { defaultPolicy, readLinuxPolicy, type PolicyReading } from '../src/policy/index.ts'
import { createText, type Language } from '../src/text/index.ts'
import { appOrigin, appPage, readManifest, serveApp } from './appProtocol.ts'
import { startEngine } from './engineThread.ts'
import { createGate, installGate, type Answer, type Sender } from './gate.ts'
import { guardContents, guardSession } from './guards.ts'
import { createKeyStore } from './keyStore.ts'
import { createMainCalls } from './mainCalls.ts'
import type { Profile } from './profile.ts'
import { createStateTracker, type StateTracker } from './stateTracker.ts'
import { createWindows, type Windows } from './windows.ts'
import { partition } from './windowOptions.ts'

/** How long an orderly end may take before the process ends anyway, in milliseconds. */
const stopLimit = 5000

export interface ApplicationOptions {
  readonly profile: Profile
  /** Folder of the built programs. */
  readonly out: string
  /** Address of the development server; null in every build that is used. */
  readonly developmentServer: string | null
}

export interface Application {
  readonly windows: Windows
}

/** Opens the window and starts the engine; to be called once, after `ready`. */
export function runApplication(options: ApplicationOptions): Application {
  const origin = options.developmentServer === null ? appOrigin : new URL(options.developmentServer).origin
  guardContents()
  guardAllSessions(options.developmentServer === null ? origin : null)
  serveApp(session.fromPartition(partition, { cache: false }), readManifest(join(options.out, 'renderer')))

  const windows = createWindows({
    preload: join(options.out, 'preload/entry.preload.cjs'),
    page: options.developmentServer ?? appPage,
    packaged: app.isPackaged,
  })
  const locale = systemLanguage()
  const tracker = createStateTracker({ locale, theme: null })
  let openIt: (engine: Promise<EngineHost>) => void = () => undefined
  const engine = new Promise<EngineHost>((resolve) => (openIt = resolve))
  const gate = createGate({
    origin,
    phase: tracker.phase,
    answer: createAnswer(engine, windows, tracker),
    // Codes and names of calls only (SECURITY 1).
    report: (call, code) => console.error(`ipc ${call}: ${code}`),
  })
  installGate<IpcMainInvokeEvent>(ipcMain, gate, (event) => senderOf(event, windows))

  app.on('second-instance', windows.focus)
  app.on('activate', () => void windows.open())
  stopWithWindows(engine)
  const window = windows.open()
  // Loading libsignal and the database keeps a core busy: the window draws first. Calls wait for the engine.
  void drawn(window).then(() => openIt(openEngine(options, locale, tracker, windows)))
  return { windows }
}

/** Ends at the window's first paint, or after half a second: a hidden window may never paint. */
function drawn(window: BrowserWindow): Promise<void> {
  return new Promise((resolve) => {
    window.once('ready-to-show', () => resolve())
    setTimeout(resolve, 500)
  })
}

/** Electron's default session too, should anything ever bring it to life. */
function guardAllSessions(origin: string | null): void {
  app.on('session-created', (made) => guardSession(made, origin))
}

function senderOf(event: IpcMainInvokeEvent, windows: Windows): Sender {
  const frame = event.senderFrame
  return {
    origin: frame?.origin ?? null,
    isMainFrame: frame !== null && frame === event.sender.mainFrame,
    isRegisteredWindow: windows.isRegistered(event.sender),
  }
}

async function openEngine(
  options: ApplicationOptions,
  locale: Language,
  tracker: StateTracker,
  windows: Windows,
): Promise<EngineHost> {
  const reading = await machinePolicy()
  const engine = startEngine(
    join(options.out, 'main/entry.engine.js'),
    {
      profile: options.profile.folder,
      policy: reading.policy,
      policyFindings: reading.findings,
      version: app.getVersion(),
      locale,
      deviceName: (hostname().split('.', 1)[0] ?? '').slice(0, 64),
    },
    createKeyStore(safeStorage, process.platform),
  )
  engine.onDelta((delta) => forward(delta, tracker, windows))
  const snapshot = await engine.call('state.snapshot', {})
  if (snapshot.ok) tracker.seeSnapshot(snapshot.value)
  return engine
}

/** The host has parsed the delta already, as it does every answer of the thread. */
function forward(delta: Delta, tracker: StateTracker, windows: Windows): void {
  tracker.seeDelta(delta)
  windows.send(eventChannel('delta'), delta)
}

async function machinePolicy(): Promise<PolicyReading> {
  return process.platform === 'linux' ? readLinuxPolicy() : { policy: defaultPolicy(), findings: [] }
}

const isMainCall = (name: CallName): name is MainCallName => calls[name].owner === 'main'

function createAnswer(engine: Promise<EngineHost>, windows: Windows, tracker: StateTracker): Answer {
  const mainCalls = createMainCalls(windows.current, () => createText(tracker.appearance().locale))
  // Name and input belong together since the gate parsed them; the compiler cannot follow that through a table.
  const answer = async (name: CallName, input: never) =>
    isMainCall(name)
      ? { ok: true as const, value: await mainCalls[name](input) }
      : (await engine).call(name as Exclude<CallName, MainCallName>, input)
  return answer as Answer
}

function systemLanguage(): Language {
  return app.getLocale().toLowerCase().startsWith('fr') ? 'fr' : 'en'
}

/** Nothing is asked at the end: what was sent or typed is durable already. */
function stopWithWindows(engine: Promise<EngineHost>): void {
  let stopped = false
  app.on('window-all-closed', () => app.quit())
  app.on('will-quit', (event) => {
    if (stopped) return
    event.preventDefault()
    stopped = true
    const stop = engine.then((host) => host.stop()).catch(() => console.error('engine stop: internal'))
    const limit = new Promise((resolve) => setTimeout(resolve, stopLimit))
    void Promise.race([stop, limit]).then(() => app.exit(0))
  })
}
