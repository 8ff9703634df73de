import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from '@playwright/test'
import type { Bridge } from '../../src/contract/index.ts'
import {
  chooseConversation,
  expectState,
  onTheWay,
  openConversation,
  readSides,
  readReady,
  row,
  write,
} from '../support/conversation.ts'
import { createRelay } from '../support/relay.ts'
import { enrol, launchWorkstation, unlock, waitForPhase, type Workstation } from '../support/workstation.ts'
import { aissatou, organisation, solene } from './people.ts'

interface Step {
  readonly step: string
  readonly milliseconds: number
  readonly ok: boolean
}

interface Sent {
  readonly from: string
  readonly to: string
  readonly text: string
  readonly sentAt: string
  /** From the Enter key to the recipient's screen; null when it was never shown there. */
  shownAfterMilliseconds: number | null
}

const out = join(process.cwd(), 'out/demo')
const steps: Step[] = []
const sent: Sent[] = []
let pictures = 0

async function step(name: string, act: () => Promise<void>): Promise<void> {
  const started = Date.now()
  let ok = false
  try {
    await act()
    ok = true
  } finally {
    steps.push({ step: name, milliseconds: Date.now() - started, ok })
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} (${Date.now() - started} ms)`)
  }
}

async function picture(name: string, { page }: Workstation): Promise<void> {
  pictures += 1
  await page.screenshot({ path: join(out, `${String(pictures).padStart(2, '0')}-${name}.png`) })
}

interface Side {
  readonly name: string
  readonly at: Workstation
}

/** Writes on one side and, unless the other is away, waits until its screen shows the message. */
async function say(from: Side, to: string, words: string, shownOn: Workstation | null): Promise<Sent> {
  const started = Date.now()
  const entry: Sent = {
    from: from.name,
    to,
    text: words,
    sentAt: new Date(started).toISOString(),
    shownAfterMilliseconds: null,
  }
  sent.push(entry)
  await write(from.at.page, words)
  if (shownOn !== null) await shown(entry, shownOn)
  return entry
}

async function shown(entry: Sent, on: Workstation): Promise<void> {
  await expect(row(on.page, entry.text)).toBeVisible(onTheWay)
  entry.shownAfterMilliseconds = Date.now() - Date.parse(entry.sentAt)
}

/** Both enrol, write both ways, one is away and comes back, one restarts. Returns what both sides show at the end. */
async function play(folder: string): Promise<{ left: object; right: object }> {
  const relay = await createRelay(join(folder, 'relay'), organisation)
  await relay.start()
  const left = { name: solene.name, at: await launchWorkstation(join(folder, 'solene')) }
  const right = { name: aissatou.name, at: await launchWorkstation(join(folder, 'aissatou')) }
  const ids = { left: '', right: '' }

  await step('both enrol by their screens', async () => {
    await waitForPhase(left.at.page, 'enrolment')
    await picture('inscription', left.at)
    await enrol(left.at.page, await relay.invite(solene))
    await enrol(right.at.page, await relay.invite(aissatou))
    ids.left = await openConversation(left.at.page, aissatou.name)
    ids.right = await openConversation(right.at.page, solene.name)
  })

  await step('they write to each other both ways', async () => {
    const first = 'Bonjour Aïssatou, le compte rendu de la réunion de sécurité civile est prêt.'
    await say(left, right.name, first, right.at)
    await expectState(left.at.page, first, 'arrived')
    await say(right, left.name, 'Merci Solène. Je le relis avant midi et je vous réponds ici.', left.at)
    await say(left, right.name, 'Parfait. Le préfet le signe à 15 heures.', right.at)
    await picture('conversation-solene', left.at)
    await picture('conversation-aissatou', right.at)
  })

  await step('one is away and comes back', async () => {
    await right.at.close()
    const waiting: Sent[] = []
    for (const words of [
      'Dernière version en pièce : la page 4 a changé.',
      'Dites-moi si cela vous convient.',
    ]) {
      waiting.push(await say(left, right.name, words, null))
      await expectState(left.at.page, words, 'sent')
    }
    await picture('envoye-en-absence', left.at)
    right.at = await launchWorkstation(right.at.profile)
    await unlock(right.at.page)
    await chooseConversation(right.at.page, solene.name)
    for (const entry of waiting) await shown(entry, right.at)
    await picture('retour', right.at)
  })

  await step('the relay is away: what is written waits and then leaves', async () => {
    await relay.kill()
    await expect.poll(async () => (await readReady(right.at.page)).connection.state, onTheWay).toBe('offline')
    const entry = await say(right, left.name, 'C’est parfait, merci. Je valide.', null)
    await expectState(right.at.page, entry.text, 'queued')
    await picture('hors-ligne', right.at)
    await relay.start()
    await right.at.page.evaluate(() => {
      const { valise } = globalThis as unknown as { valise: Bridge }
      return valise.calls['connection.retry']({})
    })
    await shown(entry, left.at)
  })

  await step('one restarts and finds everything again', async () => {
    await left.at.close()
    left.at = await launchWorkstation(left.at.profile)
    await picture('verrouillage', left.at)
    await unlock(left.at.page)
    await chooseConversation(left.at.page, aissatou.name)
    for (const { text } of sent) await expect(row(left.at.page, text)).toBeVisible(onTheWay)
    await picture('apres-redemarrage', left.at)
  })

  const sides = {
    left: await readSides(left.at.page, ids.left),
    right: await readSides(right.at.page, ids.right),
  }
  await step('both sides show the same', async () => {
    const by = (name: string): string[] => sent.filter(({ from }) => from === name).map(({ text }) => text)
    await Promise.resolve()
    expect(sides.left).toEqual({ own: by(left.name), received: by(right.name) })
    expect(sides.right).toEqual({ own: by(right.name), received: by(left.name) })
  })
  await left.at.close()
  await right.at.close()
  await relay.stop()
  return sides
}

// `npm run demo`: without hands; out/demo/ holds pictures and summary.json, the exit code tells.
const folder = await mkdtemp(join(tmpdir(), 'valise-demo-'))
await rm(out, { recursive: true, force: true })
await mkdir(out, { recursive: true })
const startedAt = new Date().toISOString()
let showed: object | null = null
try {
  showed = await play(folder)
} catch (error) {
  console.error(error)
}
const ok = showed !== null && steps.every((one) => one.ok)
const summary = { ok, startedAt, endedAt: new Date().toISOString(), organisation, steps, sent, shown: showed }
await writeFile(join(out, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`)
await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
// Playwright keeps what a failed scenario left open alive: this ends it.
process.exit(ok ? 0 : 1)
