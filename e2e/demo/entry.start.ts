import { mkdtemp, rm } from 'node:fs/promises'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { openConversation } from '../support/conversation.ts'
import { createRelay, type RelayProcess } from '../support/relay.ts'
import { enrol, launchWorkstation, passphrase, type Workstation } from '../support/workstation.ts'
import { aissatou, organisation, solene } from './people.ts'
import { sideBySide } from './sideBySide.ts'

/** Longest wait for what was started to end by itself, in ms. */
const farewell = 10_000

const workstations: Workstation[] = []
let relay: RelayProcess | null = null
let windowClosed = false

async function open(profile: string): Promise<Workstation> {
  const opened = await launchWorkstation(profile)
  opened.app.on('close', () => (windowClosed = true))
  workstations.push(opened)
  return opened
}

/** Both enrolled, each with the other's conversation open; resolves when both windows are closed. */
async function converse(folder: string): Promise<void> {
  const started = await createRelay(join(folder, 'relay'), organisation)
  relay = started
  await started.start()
  const left = await open(join(folder, 'solene'))
  const right = await open(join(folder, 'aissatou'))
  const closed = Promise.all([left, right].map(({ app }) => app.waitForEvent('close', { timeout: 0 })))
  // Whoever waits for it below waits too late when a window is closed before.
  closed.catch(() => {})
  await sideBySide([left, right])
  await Promise.all([
    enrol(left.page, await started.invite(solene)),
    enrol(right.page, await started.invite(aissatou)),
  ])
  await openConversation(left.page, aissatou.name)
  await openConversation(right.page, solene.name)
  console.log(`${solene.name} and ${aissatou.name} can write to each other (relay ${started.address()}).`)
  console.log(`Passphrase of both workstations: ${passphrase}. Close both windows, or press Ctrl+C, to end.`)
  await closed
}

function sentence(error: unknown): string {
  if (windowClosed)
    return 'A window was closed before both workstations were ready: ended. Start again with npm start.'
  const [first = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  return `The two workstations could not be made ready: ${first}`
}

/** Ends all that was started, whichever of it has ended already. */
async function endAll(): Promise<void> {
  await Promise.allSettled([...workstations.map((one) => one.close()), relay?.stop()])
}

// `npm start`: a private relay and two enrolled workstations side by side, until their windows are closed.
const folder = await mkdtemp(join(tmpdir(), 'valise-start-'))
const removal = { recursive: true, force: true, maxRetries: 20, retryDelay: 100 } as const
process.on('exit', () => rmSync(folder, removal))
let code = 0
try {
  await converse(folder)
} catch (error) {
  console.error(sentence(error))
  code = 1
} finally {
  await Promise.race([endAll(), setTimeout(farewell)])
  await rm(folder, removal)
}
// Playwright keeps what a failed start left open alive: this ends it.
process.exit(code)
