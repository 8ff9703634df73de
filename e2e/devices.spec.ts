import type { Page } from '@playwright/test'
import { errorText } from '../src/text/index.ts'
import { expect, test } from './fixture.ts'
import {
  chooseConversation,
  expectState,
  onTheWay,
  openConversation,
  openSection,
  readReady,
  row,
  write,
} from './support/conversation.ts'
import { enrolAs, solene, tahar } from './support/pair.ts'
import { passphrase, text, waitForPhase, type Workstation } from './support/workstation.ts'

const night = 'Poste de nuit'

async function openDevices(page: Page): Promise<void> {
  await openSection(page, 'settings')
  await page
    .getByRole('navigation', { name: text('settings.pages') })
    .getByRole('button', { name: text('settings.page.devices') })
    .click()
}

/** Links a new workstation as a person sitting before both does: the relay is pasted there, the code typed here. */
async function link(old: Page, fresh: Page): Promise<void> {
  await openDevices(old)
  await old.getByRole('button', { name: text('devices.link') }).click()
  const relay = await old.getByLabel(text('addition.relay'), { exact: true }).inputValue()
  await fresh.getByRole('button', { name: text('enrol.linkInstead') }).click()
  await fresh.getByLabel(text('linking.relay'), { exact: true }).fill(relay)
  await fresh.getByLabel(text('enrol.deviceName'), { exact: true }).fill(night)
  await fresh.getByRole('radio', { name: text('enrol.passphrase') }).check()
  await fresh
    .getByLabel(text('enrol.passphrase'), { exact: true })
    .and(fresh.locator('input:not([type=radio])'))
    .fill(passphrase)
  await fresh.getByLabel(text('enrol.confirm'), { exact: true }).fill(passphrase)
  await fresh.getByRole('button', { name: text('linking.show') }).click()
  const shown = fresh.getByRole('group', { name: text('linking.codeLabel') }).locator('[aria-hidden]')
  await expect(shown).toHaveCount(5, onTheWay)
  const code = (await shown.allInnerTexts()).join('')
  await old.getByLabel(text('addition.code'), { exact: true }).fill(code)
  await old.getByRole('button', { name: text('addition.confirm') }).click()
  await expect(old.getByText(text('addition.done'))).toBeVisible(onTheWay)
  await waitForPhase(fresh, 'ready')
  const dialog = old.getByRole('dialog', { name: text('addition.title') })
  await dialog.getByText(text('dialog.close'), { exact: true }).click()
  await expect(dialog).toHaveCount(0)
}

async function enrolAll(
  relay: Parameters<typeof enrolAs>[2],
  workstation: Parameters<typeof enrolAs>[3],
): Promise<{ day: Workstation; colleague: Workstation; fresh: Workstation }> {
  const [day, colleague] = await Promise.all([
    enrolAs(solene, 'day', relay, workstation),
    enrolAs(tahar, 'colleague', relay, workstation),
  ])
  const fresh = await workstation('night')
  await waitForPhase(fresh.page, 'enrolment')
  return { day, colleague, fresh }
}

test('two linked workstations show the same, until one of them is removed and says so', async ({
  relay,
  workstation,
}) => {
  const { day, colleague, fresh } = await enrolAll(relay, workstation)

  await test.step('linked by the code that is typed at the old one', async () => {
    await link(day.page, fresh.page)
    const linked = day.page.getByRole('alert').filter({ hasText: night })
    await expect(linked).toBeVisible(onTheWay)
    await day.page.getByRole('button', { name: text('alert.dismiss') }).click()
    await expect(linked).toHaveCount(0)
    expect((await readReady(fresh.page)).account.person.displayName).toBe(solene.name)
  })

  await test.step('what is sent and received stands on both', async () => {
    await openConversation(colleague.page, solene.name)
    await openConversation(day.page, tahar.name)
    await write(colleague.page, 'Êtes-vous là ?')
    await chooseConversation(fresh.page, tahar.name)
    for (const { page } of [day, fresh]) await expect(row(page, 'Êtes-vous là ?')).toBeVisible(onTheWay)
    await write(fresh.page, 'Oui, au poste de nuit.')
    await expect(row(colleague.page, 'Oui, au poste de nuit.')).toBeVisible(onTheWay)
    await expect(row(day.page, 'Oui, au poste de nuit.')).toHaveClass(/\bown\b/, onTheWay)
    for (const { page } of [day, fresh]) await expectState(page, 'Oui, au poste de nuit.', 'arrived')
  })

  await test.step('removed from the other one, it says so and keeps what it has', async () => {
    await openDevices(day.page)
    await day.page.getByRole('button', { name: text('devices.removeName', { name: night }) }).click()
    await day.page.getByRole('radio', { name: text('removal.retired') }).check()
    await day.page.getByRole('button', { name: text('removal.confirm') }).click()
    await expect(day.page.getByText(text('devices.none'))).toBeVisible(onTheWay)
    await expect(fresh.page.getByText(errorText(text, 'relay.deviceGone'))).toBeVisible(onTheWay)
    await openSection(day.page, 'messages')
    await write(colleague.page, 'À demain.')
    await expect(row(day.page, 'À demain.')).toBeVisible(onTheWay)
    await expect(row(fresh.page, 'Oui, au poste de nuit.')).toBeVisible()
    await expect(row(fresh.page, 'À demain.')).toHaveCount(0)
  })
})
