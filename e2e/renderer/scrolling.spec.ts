import type { Page } from '@playwright/test'
import { expect, test } from './harness.ts'
import { people } from './people.ts'
import { message, now, ready, scenario } from './scenarios.ts'

const her = people.aissatou
const count = 10_000
const long = Array.from({ length: count }, (_, index) => {
  const text = `ligne ${index + 1} ${index % 7 === 0 ? 'plus longue que les autres '.repeat(12) : ''}`
  return message(her, index + 1, index % 3 === 0 ? 'me' : 'them', now - (count - index) * 300_000, text)
})

const thread = (page: Page) => page.getByTestId('thread')
const scrollTop = (page: Page, top: string) =>
  page.evaluate(`document.querySelector('.log').scrollTop = ${top}`)
const fromEnd = `(() => { const l = document.querySelector('.log'); return l.scrollHeight - l.clientHeight - l.scrollTop })()`
const mounted = `document.querySelectorAll('article').length`

const openLong = async (page: Page, valise: { open: (s: ReturnType<typeof scenario>) => Promise<void> }) => {
  await valise.open(scenario(ready(), { messages: { [her.accountId]: long } }))
  await page.getByRole('option', { name: /^Aïssatou/ }).click()
  await expect(thread(page)).toContainText(`ligne ${count}`)
}

test('it opens at the end and stays there while messages arrive', async ({ page, valise }) => {
  await openLong(page, valise)
  expect(await page.evaluate(fromEnd)).toBeLessThan(2)
  for (let index = 1; index <= 3; index += 1) {
    const text = 'encore une '.repeat(index * 20)
    await valise.emit({ kind: 'messages', messages: [message(her, count + index, 'them', now, text)] })
    await expect.poll(() => page.evaluate(fromEnd)).toBeLessThan(2)
  }
  await page.setViewportSize({ width: 900, height: 600 })
  await expect.poll(() => page.evaluate(fromEnd)).toBeLessThan(2)
})

/** The topmost message in view and its height on the screen. */
const topmost = `(() => {
  const frame = document.querySelector('.log').getBoundingClientRect()
  const row = [...document.querySelectorAll('article')].find((one) => one.getBoundingClientRect().bottom > frame.top + 1)
  return { id: row.dataset.messageId, top: Math.round(row.getBoundingClientRect().top - frame.top) }
})()`

test('scrolling up brings older pages and the reading place holds', async ({ page, valise }) => {
  await openLong(page, valise)
  await scrollTop(page, '900')
  await page.waitForTimeout(100)
  await valise.hold('conversation.messages')
  await scrollTop(page, '300')
  await expect(thread(page)).toHaveAttribute('aria-busy', 'true')
  await page.waitForTimeout(100)
  const before = (await page.evaluate(topmost)) as { id: string; top: number }
  await valise.release('conversation.messages')
  await expect(thread(page)).toHaveAttribute('aria-busy', 'false')
  await page.waitForTimeout(300)
  const after = (await page.evaluate(topmost)) as { id: string; top: number }
  expect(after.id).toBe(before.id)
  expect(Math.abs(after.top - before.top)).toBeLessThanOrEqual(2)
  // What arrives below does not move it either.
  await valise.emit({ kind: 'messages', messages: [message(her, count + 1, 'them', now, 'en bas')] })
  await page.waitForTimeout(100)
  expect(await page.evaluate(topmost)).toEqual(after)
  await page.getByRole('button', { name: 'Aller aux derniers messages' }).click()
  await expect(thread(page).getByText('en bas')).toBeInViewport()
})

test('at the very top the place holds too', async ({ page, valise }) => {
  await openLong(page, valise)
  await valise.hold('conversation.messages')
  await scrollTop(page, '0')
  await expect(thread(page)).toHaveAttribute('aria-busy', 'true')
  await page.waitForTimeout(100)
  const before = (await page.evaluate(topmost)) as { id: string; top: number }
  await valise.release('conversation.messages')
  await page.waitForTimeout(300)
  const after = (await page.evaluate(topmost)) as { id: string; top: number }
  expect(after.id).toBe(before.id)
  expect(Math.abs(after.top - before.top)).toBeLessThanOrEqual(2)
})

test('10,000 messages: all can be reached, few are in the document, none is lost', async ({
  page,
  valise,
}) => {
  await openLong(page, valise)
  const started = Date.now()
  await expect
    .poll(
      async () => {
        await scrollTop(page, '0')
        return page.evaluate(`document.querySelector('[data-position="1"]') !== null`)
      },
      { timeout: 45_000, intervals: [15] },
    )
    .toBe(true)
  test
    .info()
    .annotations.push({ type: 'ms to page 10,000 messages', description: String(Date.now() - started) })
  expect(await page.evaluate(mounted)).toBeLessThan(600)
  const asked = (await valise.calls('conversation.messages')) as { before: number | null }[]
  expect(asked).toHaveLength(count / 100)
  // A long scroll goes on frame by frame; the median, for other programs may take the machine for a while.
  const frames = await page.evaluate<number[]>(`new Promise((done) => {
    const log = document.querySelector('.log'), times = []; let last = performance.now()
    const step = () => { const now = performance.now(); times.push(now - last); last = now
      log.scrollTop += 1500; times.length < 90 ? requestAnimationFrame(step) : done(times.sort((a, b) => a - b)) }
    requestAnimationFrame(step) })`)
  const [median = 0, slowest = 0] = [frames[45], frames.at(-1)]
  test.info().annotations.push({ type: 'frame, median and slowest, ms', description: `${median} ${slowest}` })
  expect(median).toBeLessThan(100)
  await page.keyboard.press('Shift+F6')
  await page.keyboard.press('End')
  await expect(thread(page).getByText(`ligne ${count} `)).toBeInViewport()
})

test('typing stays quick beside a long thread', async ({ page, valise }) => {
  await openLong(page, valise)
  const started = Date.now()
  await page.getByTestId('composer').pressSequentially('a'.repeat(100))
  const each = (Date.now() - started) / 100
  test.info().annotations.push({ type: 'ms a key', description: String(each) })
  expect(each).toBeLessThan(50)
})

test('with more new messages than fit, the first of them is what is shown', async ({ page, valise }) => {
  const from = count - 59
  const conversations = ready().conversations.map((one) =>
    one.person === her
      ? { ...one, unread: 60, firstUnread: long.find((m) => m.position >= from && !m.own)?.position ?? from }
      : one,
  )
  await valise.open(scenario(ready({ conversations }), { messages: { [her.accountId]: long } }))
  await page.getByRole('option', { name: /^Aïssatou/ }).click()
  await expect(page.getByText('Nouveaux messages')).toBeInViewport()
  await expect.poll(() => valise.calls('conversation.read')).toHaveLength(1)
  // What is read meanwhile moves neither the divider nor the reader.
  await page.waitForTimeout(500)
  await expect(page.getByText('Nouveaux messages')).toBeInViewport()
  const read = (await valise.calls('conversation.read')) as { position: number }[]
  expect(read.every((one) => one.position < count)).toBe(true)
})
