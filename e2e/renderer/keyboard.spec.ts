import { expect, test } from './harness.ts'
import { people } from './people.ts'
import { at, message, offline, queuedThread, ready, scenario } from './scenarios.ts'

const her = people.aissatou.accountId
const focused = 'document.activeElement.closest("[data-region]")?.dataset.region ?? null'

test('F6 and Shift+F6 go round the regions', async ({ page, valise }) => {
  await valise.open(scenario(ready({ connection: offline })))
  await page.getByRole('option', { name: /^Aïssatou/ }).click()
  const seen: unknown[] = []
  for (let step = 0; step < 6; step += 1) {
    await page.keyboard.press('F6')
    seen.push(await page.evaluate(focused))
  }
  expect(seen).toEqual(['title', 'banner', 'rail', 'list', 'thread', 'composer'])
  await page.keyboard.press('Shift+F6')
  expect(await page.evaluate(focused)).toBe('thread')
})

test('the list: arrows move the focus only, Enter opens, one stop for Tab', async ({ page, valise }) => {
  await valise.open(scenario(ready()))
  await page.getByRole('option').first().focus()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  const third = page.getByRole('option').nth(2)
  await expect(third).toBeFocused()
  await expect(page.getByRole('option', { selected: true })).toHaveCount(0)
  await page.keyboard.press('End')
  await expect(page.getByRole('option').last()).toBeFocused()
  await page.keyboard.press('Home')
  await expect(page.getByRole('option').first()).toBeFocused()
  await page.keyboard.press('Tab')
  expect(await page.evaluate('document.activeElement.getAttribute("role")')).not.toBe('option')
  await third.focus()
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('composer')).toBeFocused()
  await expect(third).toHaveAttribute('aria-selected', 'true')
})

test('Alt and arrows change the conversation, with Shift to the next unread one', async ({
  page,
  valise,
}) => {
  await valise.open(scenario(ready()))
  const title = page.getByRole('heading', { level: 2 })
  await page.keyboard.press('Alt+ArrowDown')
  await expect(title).toHaveText('Aïssatou Kermorvan')
  await page.keyboard.press('Alt+ArrowDown')
  await expect(title).toHaveText('Mathurin Delestrade')
  await page.keyboard.press('Alt+ArrowUp')
  await expect(title).toHaveText('Aïssatou Kermorvan')
  await page.keyboard.press('Alt+Shift+ArrowDown')
  await page.keyboard.press('Alt+Shift+ArrowDown')
  await expect(title).toHaveText('Inès Mahjoubi-Lartigue')
})

test('messages: one stop, arrows, the row’s own buttons, Escape to the row and to the composer', async ({
  page,
  valise,
}) => {
  const error = { code: 'relay.unreachable', details: {} } as const
  const failed = message(people.aissatou, 11, 'me', at('10:57'), 'raté', { delivery: 'failed', error })
  await valise.open(
    scenario(ready({ connection: offline }), { messages: { [her]: [...queuedThread(), failed] } }),
  )
  await page.getByRole('option', { name: /^Aïssatou/ }).click()
  const rows = page.getByTestId('thread').getByRole('article')
  await page.keyboard.press('Shift+F6')
  await expect(rows.last()).toBeFocused()
  await page.keyboard.press('ArrowRight')
  await expect(page.getByRole('button', { name: 'Réessayer', exact: true })).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(rows.last()).toBeFocused()
  await page.keyboard.press('ArrowUp')
  await expect(rows.nth(9)).toBeFocused()
  await page.keyboard.press('ArrowRight')
  await expect(page.getByRole('button', { name: 'Annuler l’envoi' }).last()).toBeFocused()
  await page.keyboard.press('Escape')
  await page.keyboard.press('Home')
  await expect(rows.first()).toBeFocused()
  await page.keyboard.press('End')
  await expect(rows.last()).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(page.getByTestId('composer')).toBeFocused()
})

test('Tab begins with the way to the composer', async ({ page, valise }) => {
  await valise.open(scenario(ready()))
  await page.keyboard.press('Alt+ArrowDown')
  await page.keyboard.press('F6')
  await page.keyboard.press('Shift+Tab')
  const skip = page.getByRole('button', { name: 'Aller à la rédaction' })
  await expect(skip).toBeFocused()
  await expect(skip).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('composer')).toBeFocused()
})

test('from the directory to a sent message without a pointer', async ({ page, valise }) => {
  await valise.open(scenario(ready({ conversations: [] }), { appearance: { locale: 'en', theme: 'dark' } }))
  await page.keyboard.press('Control+n')
  await expect(page.getByRole('searchbox')).toBeFocused()
  await page.keyboard.type('nour')
  await expect(page.getByRole('option')).toHaveCount(1)
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('button', { name: 'Write to Nour Sabathier' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('composer')).toBeFocused()
  await page.keyboard.type('Hello')
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('thread').getByRole('article').last()).toContainText('Hello')
  await page.keyboard.press('Control+2')
  await page.keyboard.press('Escape')
  await expect(page.getByTestId('composer')).toBeFocused()
})
