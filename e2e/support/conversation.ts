import { randomBytes } from 'node:crypto'
import { expect, type Locator, type Page } from '@playwright/test'
import type { Bridge, Delivery, MessageView, ReadyState } from '../../src/contract/index.ts'
import { readState, text } from './workstation.ts'

/** Longest wait for messages that are on their way, in ms. */
export const onTheWay = { timeout: 60_000 }

/** Everything that the window shows of its account. */
export async function readReady(page: Page): Promise<ReadyState> {
  const state = await readState(page)
  if (state.phase !== 'ready') throw new Error(`the window is in the phase ${state.phase}`)
  return state
}

/** Opens a section by its button at the left; the catalogue is the one of the window's language. */
export async function openSection(
  page: Page,
  section: 'messages' | 'directory' | 'settings',
  words = text,
): Promise<void> {
  await page
    .getByRole('navigation')
    .getByRole('button', { name: words(`rail.${section}`) })
    .click()
}

/** Finds a person in the directory and opens the conversation with them, as a person does. Returns its id. */
export async function openConversation(page: Page, name: string): Promise<string> {
  await openSection(page, 'directory')
  await page.getByRole('searchbox').fill(name)
  const person = page.getByTestId('directory-list').getByRole('option').filter({ hasText: name })
  await person.click()
  const id = await person.getAttribute('data-account-id')
  await page.getByRole('button', { name: text('directory.writeTo', { name }) }).click()
  await page.getByTestId('composer').waitFor()
  return id ?? ''
}

/** Opens a conversation that stands in the list; a `request` has no composer yet. */
export async function chooseConversation(
  page: Page,
  name: string,
  standing: 'accepted' | 'request' = 'accepted',
): Promise<void> {
  await page.getByTestId('conversation-list').getByRole('option').filter({ hasText: name }).click(onTheWay)
  if (standing === 'request') await page.getByRole('button', { name: text('request.accept') }).waitFor()
  else await page.getByTestId('composer').waitFor()
}

/** Takes the request that stands in the open conversation. */
export async function acceptRequest(page: Page): Promise<void> {
  await page.getByRole('button', { name: text('request.accept') }).click()
  await page.getByTestId('composer').waitFor()
}

/** Types into the composer and sends with Enter. */
export async function write(page: Page, words: string): Promise<void> {
  const composer = page.getByTestId('composer')
  await composer.fill(words)
  // Behind a dialog nothing is typed, and nothing says so.
  await expect(composer).toHaveValue(words)
  await composer.press('Enter')
  await expect(composer).toHaveValue('')
}

/** The row of a message in the open thread. */
export function row(page: Page, words: string): Locator {
  return page
    .getByTestId('thread')
    .getByRole('article')
    .filter({ has: page.getByText(words, { exact: true }) })
}

/**
 * Waits until the row of an own message shows this state, to the eye and to a listener. `arrived`: delivered, or read
 * already, for the other window may have the focus.
 */
export async function expectState(page: Page, words: string, delivery: Delivery | 'arrived'): Promise<void> {
  const shown = row(page, words)
  const states = delivery === 'arrived' ? arrivedStates : [delivery]
  await expect(shown).toHaveAttribute('data-delivery', new RegExp(`^(${states.join('|')})$`), onTheWay)
  if (delivery === 'received') return
  const names = states.map((state) => (state === 'received' ? '' : text(`delivery.${state}`)))
  await expect(shown.getByRole('img', { name: new RegExp(`^(${names.join('|')})`) })).toBeVisible()
}

/** What a message of one's own shows once the other workstation has it. */
export const arrivedStates: readonly Delivery[] = ['delivered', 'read']

/** Presses « Réessayer maintenant » until the relay, which runs again, is reached. */
export async function reconnect(page: Page): Promise<void> {
  const retry = page.getByRole('button', { name: text('banner.retry') })
  await expect(async () => {
    // It may have come back by itself meanwhile.
    if (await retry.isVisible()) await retry.click({ timeout: 1_000 })
    expect((await readReady(page)).connection.state).toBe('online')
  }).toPass(onTheWay)
}

/** Every message of a conversation, oldest first, by the page's own call. */
export async function readThread(page: Page, conversationId: string): Promise<MessageView[]> {
  return page.evaluate(async (id) => {
    const { valise } = globalThis as unknown as { valise: Bridge }
    const all: MessageView[] = []
    for (let before: number | null = null; ; before = all[0]?.position ?? null) {
      const input = { conversationId: id, before, limit: 100 }
      const answer = await valise.calls['conversation.messages'](input)
      if (!answer.ok) throw new Error(answer.error.code)
      all.unshift(...answer.value.messages)
      if (!answer.value.more) return all
    }
  }, conversationId)
}

export interface Sides {
  readonly own: readonly string[]
  readonly received: readonly string[]
}

/** The texts of both sides of a conversation, each in the order in which this workstation shows them. */
export async function readSides(page: Page, conversationId: string): Promise<Sides> {
  const messages = await readThread(page, conversationId)
  const of = (own: boolean) => messages.filter((one) => one.own === own).map((one) => one.text)
  return { own: of(true), received: of(false) }
}

export function numbered(mark: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${mark} ${String(index + 1).padStart(3, '0')}`)
}

interface BurstPage {
  readonly valise: Bridge
  burst: { accepted: string[]; refused: string[] }
}

/** Hands all texts to the page's own call at once and does not wait. */
export async function startBurst(
  page: Page,
  conversationId: string,
  texts: readonly string[],
): Promise<void> {
  const messages = texts.map((words) => ({ messageId: randomBytes(16).toString('hex'), text: words }))
  await page.evaluate(
    ({ id, sent }) => {
      const inPage = globalThis as unknown as BurstPage
      const burst = { accepted: [] as string[], refused: [] as string[] }
      inPage.burst = burst
      for (const message of sent) {
        void inPage.valise.calls['message.send']({ conversationId: id, ...message }).then((answer) => {
          if (answer.ok) burst.accepted.push(message.text)
          else burst.refused.push(answer.error.code)
        })
      }
    },
    { id: conversationId, sent: messages },
  )
}

/** What the running burst was answered so far: accepted texts are durable. */
export async function burstSoFar(page: Page): Promise<{ accepted: string[]; refused: string[] }> {
  return page.evaluate(() => (globalThis as unknown as BurstPage).burst)
}
